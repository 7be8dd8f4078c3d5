"""The systems on the tree of slide 14, one file a family; every leaf is exported here."""
