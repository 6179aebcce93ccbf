package topic

import (
	"sync"
	"testing"
)

// TestBrokerClosesWhileClientsLeave: closing must not wait for ever on a client that leaves meanwhile. The
// loop does what a leaving client does to the library's table.
func TestBrokerClosesWhileClientsLeave(t *testing.T) {
	for range 3000 {
		b, err := StartBroker("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var leaving sync.WaitGroup
		for range 4 {
			leaving.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						b.server.Clients.Delete("nobody")
					}
				}
			})
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		close(stop)
		leaving.Wait()
	}
}
