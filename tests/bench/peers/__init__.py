"""What we are measured against: npm packages at locked versions, and pages made of them."""
