# The glue of the inference task joins in where the build has the RTOS, whichever of the two is added first: both
# expressions are evaluated when everything has been added.
target_sources(@name@ PRIVATE
  $<$<TARGET_EXISTS:@rtos_target@>:${CMAKE_CURRENT_SOURCE_DIR}/src/@name@_rtos.c>)
target_link_libraries(@name@ PUBLIC $<TARGET_NAME_IF_EXISTS:@rtos_target@>)
