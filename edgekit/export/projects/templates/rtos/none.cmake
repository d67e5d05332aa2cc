target_sources(@name@ PRIVATE src/@name@_rtos.c) # the place of the inference task in main
