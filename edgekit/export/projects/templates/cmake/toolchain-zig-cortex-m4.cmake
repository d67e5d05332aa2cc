# Cortex-M4F with the compiler that `pip install ziglang==0.17.1` brings; no other toolchain is needed.
#   cmake -B build-m4 -DCMAKE_TOOLCHAIN_FILE=toolchain-zig-cortex-m4.cmake [-DPYTHON=/path/to/python]
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)

find_program(PYTHON NAMES python3 python)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PYTHON)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # there is no libc to link a trial program with

set(CMAKE_C_COMPILER ${PYTHON} -m ziglang cc
  -target thumb-freestanding-eabihf -mcpu=cortex_m4+vfp4d16sp)
set(CMAKE_C_FLAGS_INIT "-fno-sanitize=all -fomit-frame-pointer -fno-unwind-tables -fno-asynchronous-unwind-tables -g")
set(CMAKE_C_ARCHIVE_CREATE "\"${PYTHON}\" -m ziglang ar qc <TARGET> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "\"${PYTHON}\" -m ziglang ranlib <TARGET>")
