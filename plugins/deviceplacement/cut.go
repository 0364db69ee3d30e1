package deviceplacement

import (
	"slices"
	"strings"

	fwk "k8s.io/kube-scheduler/framework"
)

// statusLimit is how many characters a pod's status has at most, as far as that is ours.
const statusLimit = 400

// moreCommand says where the rest of an explanation is that was cut.
const moreCommand = "more: ashlar whatif --waiting"

// cutClauses joins clauses within a number of characters. What is left out are further
// remedies, then the end of details and all of them, then what comes last; it then says
// where the rest is.
func cutClauses(clauses []textClause, limit int) string {
	if full := joinClauses(clauses); len(full) <= limit {
		return full
	}
	const more = "; " + moreCommand
	if slices.ContainsFunc(clauses, func(c textClause) bool { return c.kind == remedyClause }) {
		for _, form := range [][]textClause{clauses, shortenDetail(clauses, limit-len(more)), selectClauses(clauses, len(clauses), false)} {
			for remedies := len(form); remedies > 0; remedies-- {
				if text := joinClauses(selectClauses(form, remedies, true)); len(text)+len(more) <= limit {
					return text + more
				}
			}
		}
		clauses = selectClauses(clauses, 0, false)
	}
	text := joinClauses(clauses)
	if len(text)+len(more) <= limit {
		return text + more
	}
	return cutText(text, limit-len(more)) + more
}

// leastDetail is how many characters of a detail are worth being said: a device, and its first figures.
const leastDetail = 80

// shortenDetail are the clauses with one remedy and with as much of the first detail as there is room for
// within a number of characters; nil if that is too little to be of use.
func shortenDetail(clauses []textClause, limit int) []textClause {
	at := slices.IndexFunc(clauses, func(c textClause) bool { return c.kind == detailClause })
	if at < 0 {
		return nil
	}
	room := limit - len(joinClauses(selectClauses(clauses, 1, false))) - len(". ")
	if room < leastDetail {
		return nil
	}
	short := slices.Clone(clauses[:at+1])
	short[at].text = cutText(short[at].text, room)
	return append(short, selectClauses(clauses[at+1:], 1, false)...)
}

// selectClauses leaves out remedies but for the first few, and details if so wanted.
func selectClauses(clauses []textClause, remedies int, details bool) []textClause {
	var selected []textClause
	for _, c := range clauses {
		if c.kind == remedyClause {
			if remedies == 0 {
				continue
			}
			remedies--
		}
		if c.kind != detailClause || details {
			selected = append(selected, c)
		}
	}
	return selected
}

// ellipsis shows that a text was cut.
const ellipsis = "..."

// cutText shortens a text to whole words within a number of characters, and shows that it did.
func cutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	text = strings.ToValidUTF8(text[:max(limit-len(ellipsis), 0)], "")
	if at := strings.LastIndexByte(text, ' '); at > 0 {
		text = text[:at]
	}
	return strings.TrimRight(text, " .,;:-") + ellipsis
}

// beforeReasons is room for what kube-scheduler puts before the reasons of PreFilter, and the
// full stop after them.
const beforeReasons = len("0/1000000 nodes are available: .")

// cutStatus shortens a status of PreFilter so that the pod's stays within its limit.
func cutStatus(status *fwk.Status) *fwk.Status {
	if text := status.Message(); len(text) > statusLimit-beforeReasons {
		return fwk.NewStatus(status.Code(), cutText(text, statusLimit-beforeReasons))
	}
	return status
}
