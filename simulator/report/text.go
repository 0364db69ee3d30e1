package report

import (
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/ashlar-dev/ashlar/simulator"
)

// maxName is how many characters of a name are shown.
const maxName = 100

// clipName makes a name fit to be shown: not too long, and without characters that would
// turn around or hide what stands next to it.
func clipName(name string) string {
	var text strings.Builder
	count := 0
	for _, r := range name {
		if count++; count > maxName {
			text.WriteRune('…')
			break
		}
		switch {
		case unicode.IsControl(r):
			r = ' '
		case unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) || r == 0x200b || r == 0x2060 || r == 0xfeff:
			r = unicode.ReplacementChar
		}
		text.WriteRune(r)
	}
	return text.String()
}

// pageWhole prints a number without decimals, with spaces between thousands.
func pageWhole(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	digits := strconv.FormatFloat(math.Abs(x), 'f', 0, 64)
	var text strings.Builder
	if x <= -0.5 {
		text.WriteString("−")
	}
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 && len(digits) > 4 {
			text.WriteRune('\u2009') // thin space
		}
		text.WriteByte(digits[i])
	}
	return text.String()
}

// pageShort prints three digits or so.
func pageShort(x float64) string {
	switch a := math.Abs(x); {
	case a >= 100 || a == math.Trunc(a):
		return pageWhole(x)
	case a >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

func pagePart(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) + " %" }

// pagePercent prints what is in percent already.
func pagePercent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + " %" }

func pageDollars(x float64) string {
	if math.Abs(x) >= 1000 {
		return "$" + pageWhole(x)
	}
	return "$" + strconv.FormatFloat(x, 'f', 2, 64)
}

const (
	gibibyte = 1 << 30
	tebibyte = 1 << 40
)

func pageBytes(x float64) string {
	if math.Abs(x) >= 10*tebibyte {
		return pageShort(x/tebibyte) + " TiB"
	}
	return pageShort(x/gibibyte) + " GiB"
}

// pageDuration prints a time in milliseconds.
func pageDuration(ms float64) string {
	t := simulator.Time(math.Round(ms))
	switch {
	case t >= simulator.Minute:
		t = (t + simulator.Second/2) / simulator.Second * simulator.Second
	case t >= 10*simulator.Second:
		t = (t + 50) / 100 * 100
	}
	return t.String()
}

func countNoun(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return pageWhole(float64(n)) + " " + many
}

// fiveDigits keeps five digits, so that the page does not carry noise.
func fiveDigits(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 5, 64), 64)
	if err != nil {
		return x
	}
	return short
}
