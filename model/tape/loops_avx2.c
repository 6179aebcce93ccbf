#include "loops.h"

#ifdef TAPE_X86
#pragma GCC target("avx2,fma")
#define LOOPS tape_loops_avx2
#define LOOPS_NAME "AVX2 loops"
#include "loops_all.h"
#endif
