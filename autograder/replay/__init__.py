"""A recorded task graph on other numbers of workers: makespans, work, span. Pure."""
