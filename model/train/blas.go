package train

/*
#cgo LDFLAGS: -lopenblas
char *openblas_get_config(void);
void openblas_set_num_threads(int);
int openblas_get_num_threads(void);
*/
import "C"

import (
	"fmt"

	"gonum.org/v1/netlib/blas/netlib"
	"gorgonia.org/gorgonia"
)

// UseBLAS makes Gorgonia of this process compute with OpenBLAS on so many threads, and says what it uses. The
// number of threads may change the last bits of a sum, so it belongs to what makes a run repeatable.
func UseBLAS(threads int) string {
	gorgonia.Use(netlib.Implementation{})
	C.openblas_set_num_threads(C.int(threads))
	return fmt.Sprintf("%s, threads %d", C.GoString(C.openblas_get_config()), int(C.openblas_get_num_threads()))
}
