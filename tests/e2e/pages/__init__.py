"""Page objects: locators are properties, actions are what a person does, `expect_*` waits."""
