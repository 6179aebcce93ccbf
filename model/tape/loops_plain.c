#define LOOPS tape_loops_plain
#define LOOPS_NAME "plain loops"
#include "loops_all.h"
