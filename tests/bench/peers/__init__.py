"""Peers for comparison: npm packages at locked versions, and pages that use them."""
