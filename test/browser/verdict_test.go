package browser

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/report"
	"github.com/ashlar-dev/ashlar/test/chromium"
)

// The verdict comes first, then the map with the first variant and the best side by side; on a
// phone nothing but tables is wider than the screen.
func TestVerdictFirst(t *testing.T) {
	named := func(dollars float64) *simulator.Result {
		r := small("n-0", "n-1", "n-2", "inference", "training")
		r.Jobs, r.UsedDollarsPerHour, r.UsedDollarsPeak = simulator.JobCounts{Arrived: 17, Finished: 17}, dollars, dollars
		return r
	}
	runs := []report.Run{{Name: "whole", Result: named(90)}, {Name: "spread", Result: named(95)}, {Name: "ashlar", Result: named(30)}}
	var page bytes.Buffer
	head := report.PageHeading{Title: "fleet", About: "What is to be seen.", NotModelled: []string{"Single requests."},
		Command: "ashlar simulate compare fleet --seeds 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"}
	if err := report.WritePage(&page, head, runs); err != nil {
		t.Fatal(err)
	}
	browser := chromium.StartBrowser(t)
	for _, width := range []int{1200, 390} {
		tab := browser.OpenPage(t, page.Bytes(), chromium.Screen{Width: width, Height: 900})
		order := chromium.RunScript[[]any](tab, `[...document.querySelectorAll("main section")].map((s) => s.id)`)
		if len(order) < 3 || order[0] != "verdict" || order[1] != "map" || order[2] != "summary" {
			t.Errorf("width %d: sections %v, want verdict, map, summary first", width, order)
		}
		if got, want := text(tab, ".sentence"), report.VerdictSentences(runs)[0]; got != want {
			t.Errorf("width %d: the verdict is %q, want %q", width, got, want)
		}
		names := chromium.RunScript[string](tab, `[...document.querySelectorAll(".panel h3")].map((h) => h.textContent).join(" ")`)
		if names != "whole ashlar" {
			t.Errorf("width %d: maps of %q, want those of whole and ashlar", width, names)
		}
		if over := chromium.RunScript[float64](tab, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			t.Errorf("width %d: the page is %v pixels wider than the screen", width, over)
		}
		if card := text(tab, ".cards li"); !strings.HasPrefix(card, "$30.00") {
			t.Errorf("width %d: the first card is %q, want $30.00", width, card)
		}
	}
}
