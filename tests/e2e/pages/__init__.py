"""Page objects: locators are properties, methods are a user's actions, `expect_*` methods wait."""
