package plan

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Title names an option: "4 x H100-SXM5-80GB", "A30-24GB:2g.12gb", "18260MiB of L4".
func (o *Option) Title() string {
	switch {
	case o.Form == ShareForm:
		return fmt.Sprintf("%s of %s", o.Share.Memory.ExactText(), o.Offer.Model)
	case o.Form == MIGForm:
		return o.Offer.Title()
	case o.GPUs > 1:
		return fmt.Sprintf("%d x %s", o.GPUs, o.Offer.Model)
	}
	return o.Offer.Model
}

// Explain is the reason in full, with the arithmetic.
func (o *Option) Explain() string {
	if o.Err != nil {
		return fmt.Sprintf("%s: %v", o.Offer.GPU.Name, o.Err)
	}
	return o.Estimate.Explain()
}

// DescribeRequest is what was asked, in words: "vllm 0.11.0, 16 requests at once of 4096
// tokens".
func (a *Answer) DescribeRequest() string {
	l := &a.Request.Launch
	engine := fmt.Sprintf("%s %s", l.Engine, l.Version)
	if l.Version == (memory.Version{}) {
		engine = string(l.Engine) + ", newest release"
	}
	requests := "one request"
	if a.Concurrency > 1 {
		requests = fmt.Sprintf("%d requests at once", a.Concurrency)
	}
	if a.Context == 0 { // it looks at pictures
		return engine + ", " + requests
	}
	text := fmt.Sprintf("%s, %s of %d tokens", engine, requests, a.Context)
	if a.Context < a.MaxModelLen {
		text += fmt.Sprintf(", of up to %d tokens at most", a.MaxModelLen)
	}
	return text
}

// DescribeProfile says whether a MIG profile that a pod asks for is enough.
func (a *Answer) DescribeProfile(profile string) string {
	var holds, fails []string
	reason := ""
	for _, o := range a.Options {
		switch {
		case o.Offer.Profile != profile:
		case o.Fits:
			holds = append(holds, o.Offer.Model)
		default:
			fails, reason = append(fails, o.Offer.Model), o.Reason
		}
	}
	text := fmt.Sprintf("the pod asks for MIG %s", profile)
	switch {
	case len(holds)+len(fails) == 0:
		return text + ", which no GPU looked at has"
	case len(fails) == 0:
		return text + ", which is enough"
	case len(holds) == 0:
		return text + ", which is not enough: " + reason
	}
	return fmt.Sprintf("%s, which is enough on %s and not on %s: %s", text, strings.Join(holds, ", "), strings.Join(fails, ", "), reason)
}
