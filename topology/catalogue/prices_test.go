package catalogue

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const goodPrices = `# prices
A30 0.5 "RunPod, 2026-01-01"
L40S 1.861 "AWS g6e.xlarge, 2026-07-20"
`

func catalogueWithPrices(prices string) fstest.MapFS {
	files := catalogueOf(goodModels, goodTable, goodMachine)
	files["prices.txt"] = &fstest.MapFile{Data: []byte(prices)}
	return files
}

func TestPrice(t *testing.T) {
	c, err := loadFiles(catalogueWithPrices(strings.Replace(goodPrices, "A30 0.5", "# A30 0.5", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if price, found := c.Price("L40S"); price != 1_861_000 || !found {
		t.Errorf("L40S: %d, %t, want 1861000, true", price, found)
	}
	for _, key := range []string{"A30", "nonsense"} {
		if price, found := c.Price(key); price != 0 || found {
			t.Errorf("%s: %d, %t, want 0, false", key, price, found)
		}
	}
	grown, err := c.With()
	if err != nil {
		t.Fatal(err)
	}
	if price, found := grown.Price("L40S"); price != 1_861_000 || !found {
		t.Errorf("L40S With no files: %d, %t, want 1861000, true", price, found)
	}
}

func TestMicroDollarsString(t *testing.T) {
	tests := map[MicroDollars]string{
		0:              "$0.00",
		6_880_000:      "$6.88",
		14 * Dollar:    "$14.00",
		4_999:          "$0.00",
		5_000:          "$0.01",
		1_994_999:      "$1.99",
		1_995_000:      "$2.00",
		-1_500_000:     "-$1.50",
		-4_999:         "$0.00",
		-995_000:       "-$1.00",
		math.MaxInt64:  "$9223372036854.78",
		math.MinInt64:  "-$9223372036854.78",
		12_345_600_000: "$12345.60",
	}
	for amount, want := range tests {
		if got := amount.String(); got != want {
			t.Errorf("%d: %s, want %s", int64(amount), got, want)
		}
	}
}

func TestAmounts(t *testing.T) {
	tests := map[string]MicroDollars{
		"2": 2 * Dollar, "0.44": 440_000, "2.00": 2 * Dollar, "3.430881": 3_430_881, "0.000001": 1, "1000": 1000 * Dollar,
	}
	for text, want := range tests {
		if got, err := (fileLine{}).microDollars("price", text); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestMalformedPrices(t *testing.T) {
	const amounts = `, want dollars per GPU-hour above 0 and up to 1000, with at most 6 decimals`
	tests := map[string]struct{ old, new, want string }{
		"few columns": {` "AWS g6e.xlarge, 2026-07-20"`, "", `prices.txt:3: row: 2 columns, want 3: quote those that contain spaces`},
		"unquoted":    {`"RunPod, 2026-01-01"`, "RunPod, 2026-01-01", `prices.txt:2: row: 4 columns, want 3: quote those that contain spaces`},
		"open quote":  {`2026-01-01"`, "2026-01-01", `prices.txt:2: quotes: "RunPod, 2026-01-01 is not closed, add a "`},
		"unknown key": {"L40S ", "L40 ",
			`prices.txt:3: key: unknown GPU model "L40": the nearest is L40S; all 2 are shown by ashlar topology list`},
		"key twice":     {"L40S ", "A30 ", `prices.txt:3: key: A30 occurs twice`},
		"empty source":  {`"RunPod, 2026-01-01"`, `""`, `prices.txt:2: source: is empty`},
		"negative":      {"0.5", "-0.5", `prices.txt:2: price: "-0.5"` + amounts},
		"zero":          {"0.5", "0.00", `prices.txt:2: price: "0.00"` + amounts},
		"plus":          {"0.5", "+0.5", `prices.txt:2: price: "+0.5"` + amounts},
		"dollar sign":   {"0.5", "$0.5", `prices.txt:2: price: "$0.5"` + amounts},
		"comma":         {"0.5", "0,5", `prices.txt:2: price: "0,5"` + amounts},
		"two points":    {"0.5", "0.5.5", `prices.txt:2: price: "0.5.5"` + amounts},
		"exponent":      {"0.5", "5e-1", `prices.txt:2: price: "5e-1"` + amounts},
		"underscore":    {"0.5", "1_0.5", `prices.txt:2: price: "1_0.5"` + amounts},
		"no whole":      {"0.5", ".5", `prices.txt:2: price: ".5"` + amounts},
		"no decimals":   {"0.5", "5.", `prices.txt:2: price: "5."` + amounts},
		"too precise":   {"0.5", "0.1234567", `prices.txt:2: price: "0.1234567"` + amounts},
		"too high":      {"0.5", "1000.000001", `prices.txt:2: price: "1000.000001"` + amounts},
		"beyond 64 bit": {"0.5", "18446744073709.551617", `prices.txt:2: price: "18446744073709.551617"` + amounts},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			wantLoadError(t, catalogueWithPrices(replaceOnce(t, goodPrices, tc.old, tc.new)), tc.want)
		})
	}
}

func TestMissingPrices(t *testing.T) {
	files := catalogueWithPrices(goodPrices)
	delete(files, "prices.txt")
	wantLoadError(t, files, "reading GPU prices: open prices.txt: file does not exist")
}

// TestPriceSources holds every row to what its own source says: a day, an address,
// and the price of an instance divided by its GPUs.
func TestPriceSources(t *testing.T) {
	text, err := files.ReadFile("prices.txt")
	if err != nil {
		t.Fatal(err)
	}
	source := regexp.MustCompile(`^\S.+: \$(\d+(?:\.\d+)?) / (\d+), (?:before )?\d{4}-\d\d-\d\d, https://\S+\w(?:; .+)?$`)
	c := Default()
	rows := splitLines("prices.txt", string(text))
	if len(rows) == 0 || len(rows) != len(c.prices) {
		t.Errorf("%d rows and %d prices, want as many, and some", len(rows), len(c.prices))
	}
	for _, l := range rows {
		row, err := l.quotedColumns()
		if err != nil {
			t.Fatal(err)
		}
		parts := source.FindStringSubmatch(row[priceSource])
		if parts == nil {
			t.Errorf(`%s: source %q, want "seller, instance, region: $6.88 / 1, 2026-07-20, https://..."`, row[priceKey], row[priceSource])
			continue
		}
		perGPU, _ := new(big.Rat).SetString(parts[1])
		gpus, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil || gpus == 0 {
			t.Errorf("%s: %s GPUs", row[priceKey], parts[2])
			continue
		}
		perGPU.Quo(perGPU, big.NewRat(gpus, 1))
		price, _ := c.Price(row[priceKey])
		if got, want := fmt.Sprintf("%d.%06d", price/Dollar, price%Dollar), perGPU.FloatString(dollarDecimals); got != want {
			t.Errorf("%s: $%s per GPU-hour, but $%s / %d is $%s", row[priceKey], got, parts[1], gpus, want)
		}
	}
}
