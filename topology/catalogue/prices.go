package catalogue

import (
	"fmt"
	"strconv"
	"strings"
)

// MicroDollars is an amount of US dollars, or dollars per hour, in millionths.
type MicroDollars int64

// Dollar is one US dollar.
const Dollar MicroDollars = 1_000_000

const (
	// cent is what String rounds to.
	cent = Dollar / 100
	// dollarDecimals is how many decimals of a dollar MicroDollars holds.
	dollarDecimals = 6
	// maxPrice bounds what a row may claim for one GPU-hour.
	maxPrice = 1000 * Dollar
)

// String rounds to cents: "$6.88".
func (m MicroDollars) String() string {
	sign, cents, rest := "", m/cent, m%cent
	if m < 0 {
		sign, cents, rest = "-", -cents, -rest
	}
	if rest >= cent/2 {
		cents++
	}
	if cents == 0 {
		sign = ""
	}
	return fmt.Sprintf("%s$%d.%02d", sign, cents/100, cents%100)
}

// Columns of prices.txt.
const (
	priceKey = iota
	priceAmount
	priceSource
	priceColumns
)

// Price returns what an hour of the GPU model with the given key costs on demand,
// and false where no public list price is known. It is a default to compare options
// with, as prices.txt explains: whoever knows their own price should use that.
func (c *Catalogue) Price(key string) (MicroDollars, bool) {
	price, found := c.prices[key]
	return price, found
}

// parsePrices reads prices of models that are in the catalogue already.
func (c *Catalogue) parsePrices(file, text string) error {
	for _, l := range splitLines(file, text) {
		row, err := l.quotedColumns()
		if err != nil {
			return err
		}
		if len(row) != priceColumns {
			return l.fieldErrorf("row", "%d columns, want %d: quote those that contain spaces", len(row), int64(priceColumns))
		}
		key := row[priceKey]
		if _, err := c.Model(key); err != nil {
			return l.fieldErrorf("key", "%w", err)
		}
		if _, found := c.prices[key]; found {
			return l.fieldErrorf("key", "%s occurs twice", key)
		}
		if row[priceSource] == "" {
			return l.fieldErrorf("source", "is empty")
		}
		if c.prices[key], err = l.microDollars("price", row[priceAmount]); err != nil {
			return err
		}
	}
	return nil
}

// microDollars reads an amount like 6.88, without rounding it.
func (l fileLine) microDollars(field, text string) (MicroDollars, error) {
	whole, decimals, point := strings.Cut(text, ".")
	padded := decimals + strings.Repeat("0", max(0, dollarDecimals-len(decimals)))
	// ParseUint takes neither a sign nor an underscore.
	micros, err := strconv.ParseUint(whole+padded, 10, 63)
	amount := MicroDollars(micros)
	if err != nil || whole == "" || point == (decimals == "") || len(padded) > dollarDecimals || amount == 0 || amount > maxPrice {
		return 0, l.fieldErrorf(field, "%q, want dollars per GPU-hour above 0 and up to %d, with at most %d decimals",
			text, maxPrice/Dollar, int64(dollarDecimals))
	}
	return amount, nil
}
