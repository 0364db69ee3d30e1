package admission

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
)

// Refusal is why a pod is not admitted: what it says cannot be meant.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

func refusePod(format string, args ...any) error {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// contradict refuses two statements that cannot both hold.
func refuseContradiction(where string, a, b statedKey, why string) error {
	return refusePod("%s%s and %s contradict one another: %s", where, a, b, why)
}

// Bounds beyond which a number is a mistake.
const (
	mostGPUs   = 1024
	mostMemory = 64 * 1024 * topology.GiB
)

// containerKeys reads the resources of one container.
type containerKeys struct{ container *v1.Container }

func (c containerKeys) placeText() string { return "container " + c.container.Name + ": " }

// hasAny reports whether the container states one of the resources.
func (c containerKeys) hasAny(keys ...string) bool {
	for _, key := range keys {
		if _, found := c.findQuantity(key); found {
			return true
		}
	}
	return false
}

func (c containerKeys) findQuantity(key string) (resource.Quantity, bool) {
	if key == "" {
		return resource.Quantity{}, false
	}
	r := &c.container.Resources
	if q, found := r.Limits[v1.ResourceName(key)]; found {
		return q, true
	}
	q, found := r.Requests[v1.ResourceName(key)]
	return q, found
}

// amountOf is a resource as it is stated, in limits or else in requests; found is false if it
// is not. Requests that differ from limits are refused.
func (c containerKeys) amountOf(key string) (amount int64, stated statedKey, found bool, err error) {
	q, found := c.findQuantity(key)
	if !found {
		return 0, statedKey{}, false, nil
	}
	stated = statedKey{key, plainText(q)}
	if request, both := c.container.Resources.Requests[v1.ResourceName(key)]; both && request.Cmp(q) != 0 {
		return 0, stated, true, refuseContradiction(c.placeText(), statedKey{"limits " + key, plainText(q)},
			statedKey{"requests " + key, plainText(request)}, "state one amount")
	}
	amount, whole := q.AsInt64()
	if !whole || amount < 0 {
		return 0, stated, true, refusePod("%s%s: want a whole number, 0 or more", c.placeText(), stated)
	}
	return amount, stated, true, nil
}

// plainText is a quantity as people write it: 3000 rather than 3k.
func plainText(q resource.Quantity) string {
	if n, whole := q.AsInt64(); whole && q.Format == resource.DecimalSI {
		return strconv.FormatInt(n, 10)
	}
	return q.String()
}

// countOf reads a number of GPUs.
func (c containerKeys) countOf(key string) (int64, statedKey, bool, error) {
	n, stated, found, err := c.amountOf(key)
	if err == nil && n > mostGPUs {
		err = refusePod("%s%s: a pod can have at most %d GPUs", c.placeText(), stated, mostGPUs)
	}
	return n, stated, found, err
}

// mebibytesOf reads memory that is stated in MiB.
func (c containerKeys) mebibytesOf(key string) (topology.Bytes, statedKey, bool, error) {
	n, stated, found, err := c.amountOf(key)
	if err == nil && n > int64(mostMemory/topology.MiB) {
		err = refusePod("%s%s: the number is in MiB, so that this is %d MiB of one GPU: write 8Gi as 8192", c.placeText(), stated, n)
	}
	return topology.Bytes(n) * topology.MiB, stated, found, err
}

// percentOf reads a percentage from least to 100.
func (c containerKeys) percentOf(key string, least int64) (int64, statedKey, bool, error) {
	n, stated, found, err := c.amountOf(key)
	if err == nil && found && (n < least || n > 100) {
		err = refusePod("%s%s: it is a percentage of one GPU: want %d to 100", c.placeText(), stated, least)
	}
	return n, stated, found, err
}

// mostDigits is how long a fraction may be written.
const mostDigits = 20

// parseFraction reads a decimal fraction between 0 and 1, both left out.
func parseFraction(text string) (*big.Rat, error) {
	const want = "want a part of one GPU's memory, more than 0 and less than 1, such as 0.5"
	if len(text) > mostDigits || strings.Trim(text, "0123456789.") != "" || text == "" {
		return nil, fmt.Errorf("%s", want)
	}
	fraction, ok := new(big.Rat).SetString(text)
	if !ok || fraction.Sign() <= 0 || fraction.Cmp(big.NewRat(1, 1)) >= 0 {
		return nil, fmt.Errorf("%s", want)
	}
	return fraction, nil
}

// partOf is a percentage of an amount, rounded down to whole MiB, so that as many parts fit
// as make up 100 %; 1 MiB at least.
func partOf(percent *big.Rat, amount topology.Bytes) topology.Bytes {
	part := new(big.Rat).Mul(percent, big.NewRat(int64(amount), 100*int64(topology.ShareStep)))
	steps := new(big.Int).Quo(part.Num(), part.Denom()).Int64()
	return topology.Bytes(max(1, steps)) * topology.ShareStep
}

// decimalText is a number without trailing zeros.
func decimalText(number *big.Rat) string {
	text := number.FloatString(mostDigits)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
