TASK = "unpack"
