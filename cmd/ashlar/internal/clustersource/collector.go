package clustersource

import (
	"os"
	"runtime/debug"
	"sync"
)

// Nearly all that is read of a cluster is kept until the command ends. Go's collector, which would look
// through all of it each time that it has doubled, finds next to nothing meanwhile.

// rarely is how much may be added before the collector runs, in per cent of what there was; Go's default
// is 100.
const rarely = 400

// readers are the readings that are going on: ashlar mcp answers several questions at once.
var readers struct {
	sync.Mutex
	count, before int
}

// collectRarely makes the collector run less often until release is called. It changes nothing if the user
// has set GOGC.
func collectRarely() (release func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	readers.Lock()
	defer readers.Unlock()
	if readers.count++; readers.count == 1 {
		readers.before = debug.SetGCPercent(rarely)
	}
	return sync.OnceFunc(func() {
		readers.Lock()
		defer readers.Unlock()
		if readers.count--; readers.count == 0 {
			debug.SetGCPercent(readers.before)
		}
	})
}
