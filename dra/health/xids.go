package health

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

// FaultClass is what an error asks for; xids.txt says what each class means.
type FaultClass string

// The classes. ClassDrainAndReset is that of an uncorrectable memory error whose row is to
// be remapped, ClassLost and ClassSilent those of GPUs that are off the bus, or hang.
const (
	ClassApplication   FaultClass = "application"
	ClassEcho          FaultClass = "echo"
	ClassNotice        FaultClass = "notice"
	ClassWatch         FaultClass = "watch"
	ClassReset         FaultClass = "reset"
	ClassDecode        FaultClass = "decode"
	ClassNode          FaultClass = "node"
	ClassAuthority     FaultClass = "authority"
	ClassDrainAndReset FaultClass = "drain-and-reset"
	ClassLost          FaultClass = "lost"
	ClassSilent        FaultClass = "silent"
	ClassUnknown       FaultClass = "unknown" // an XID that the table does not have
)

// BlastRadius is whom an error hits.
type BlastRadius string

// The radii.
const (
	RadiusChannel  BlastRadius = "channel"
	RadiusInstance BlastRadius = "instance"
	RadiusGPU      BlastRadius = "GPU"
)

// XIDEntry is what the table says of an XID.
type XIDEntry struct {
	Code   uint64
	Class  FaultClass
	Radius BlastRadius
	What   string // for people
}

//go:embed xids.txt
var xidText string

var xidTable = mustParseXIDs(xidText)

// LookUpXID says what is known of an XID. One that is not in the table is of
// ClassUnknown, and known is false.
func LookUpXID(code uint64) (entry XIDEntry, known bool) {
	if entry, known = xidTable[code]; known {
		return entry, true
	}
	return XIDEntry{Code: code, Class: ClassUnknown, Radius: RadiusChannel, What: "not in the table of this driver"}, false
}

var xidClasses = map[FaultClass]bool{
	ClassApplication: true, ClassEcho: true, ClassNotice: true, ClassWatch: true,
	ClassReset: true, ClassDecode: true, ClassNode: true, ClassAuthority: true,
}

// parseXIDs reads a table: code, class, radius and text per line, # for comments.
func parseXIDs(text string) (map[uint64]XIDEntry, error) {
	table := map[uint64]XIDEntry{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) < 4 {
			return nil, fmt.Errorf("line %d: %d words, want code, class, radius and a text", number, len(words))
		}
		code, err := strconv.ParseUint(words[0], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("line %d: code %q is no number", number, words[0])
		}
		entry := XIDEntry{
			Code: code, Class: FaultClass(words[1]), Radius: BlastRadius(words[2]), What: strings.Join(words[3:], " "),
		}
		switch entry.Radius {
		case RadiusChannel, RadiusInstance, RadiusGPU:
		default:
			return nil, fmt.Errorf("line %d: unknown radius %q", number, words[2])
		}
		if !xidClasses[entry.Class] {
			return nil, fmt.Errorf("line %d: unknown class %q", number, words[1])
		}
		if _, twice := table[code]; twice {
			return nil, fmt.Errorf("line %d: XID %d stands there twice", number, code)
		}
		table[code] = entry
	}
	return table, nil
}

func mustParseXIDs(text string) map[uint64]XIDEntry {
	table, err := parseXIDs(text)
	if err != nil {
		panic("dra/health/xids.txt: " + err.Error())
	}
	return table
}
