"""Other people's systems, one file each: brokers and the like. A vendor's wire is spoken in the file named after it."""
