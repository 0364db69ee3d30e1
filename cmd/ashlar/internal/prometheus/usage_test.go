package prometheus

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// serveAnswers is a Prometheus that answers with these vectors.
func serveAnswers(t *testing.T, memory, busy string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := busy
		if strings.Contains(r.FormValue("query"), "FB_USED") {
			answer = memory
		}
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(answer, "!") {
			http.Error(w, answer[1:], http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"status": "success", "data": {"resultType": "vector", "result": [%s]}}`, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func sample(uuid, value string) string {
	return fmt.Sprintf(`{"metric": {"UUID": %q}, "value": [1700000000, %q]}`, uuid, value)
}

func TestReadUsage(t *testing.T) {
	address := serveAnswers(t, sample("GPU-a", "1048576")+","+sample("GPU-b", "0")+","+sample("GPU-c", "NaN")+","+sample("", "5"),
		sample("GPU-a", "0.5")+","+sample("GPU-x", "7"))
	got, err := ReadUsage(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]GPUUse{"GPU-a": {UsedBytes: 1 << 20, Busy: 0.5}, "GPU-b": {Busy: -1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadUsageErrors(t *testing.T) {
	for name, tc := range map[string]struct{ address, want string }{
		"no address":    {"prometheus:9090", "want one like http://"},
		"another file":  {"file:///etc/passwd", "want one like http://"},
		"nobody there":  {"http://127.0.0.1:1", "the Prometheus at http://127.0.0.1:1"},
		"no exporter":   {serveAnswers(t, "", ""), "is DCGM exporter scraped by it?"},
		"it is down":    {serveAnswers(t, "!starting", ""), "the Prometheus at http://127.0.0.1"},
		"a wrong kind":  {serveAnswers(t, "1", ""), "asking "},
		"a secret kept": {"http://me:secret@127.0.0.1:1", "me:xxxxx@"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadUsage(t.Context(), tc.address); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}
