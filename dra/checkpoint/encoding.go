package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// fileVersion is the version that is written, and the only one that is read.
const fileVersion = 1

// fileHeader is the first line.
type fileHeader struct {
	Version int `json:"version"`
	// BootID is the boot of the node in which the file was written last.
	BootID string `json:"bootID"`
	// Incomplete is whether claims were lost when a damaged file was set aside.
	Incomplete bool `json:"incomplete,omitempty"`
	Claims     int  `json:"claims"`
	// Sum is the checksum of the lines of the claims.
	Sum string `json:"sum"`

	unknown unknownFields
}

// fileLine is a line: a header or a claim, with a checksum of its text.
type fileLine struct {
	Checksum string          `json:"checksum"`
	Header   json.RawMessage `json:"header,omitempty"`
	Claim    json.RawMessage `json:"claim,omitempty"`
}

// versionError is a file that is intact, but of a version that is not known.
type versionError struct{ version int }

func (e versionError) Error() string {
	return fmt.Sprintf("it has version %d, and this driver reads version %d", e.version, fileVersion)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksumOf(text []byte) string {
	return fmt.Sprintf("crc32c:%08x", crc32.Checksum(text, castagnoli))
}

// encodeClaim writes the line of one claim.
func encodeClaim(claim Claim) ([]byte, error) {
	text, err := json.Marshal(claim)
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", claim, err)
	}
	return encodeLine(fileLine{Checksum: checksumOf(text), Claim: text})
}

func encodeLine(line fileLine) ([]byte, error) {
	text, err := json.Marshal(line)
	return append(text, '\n'), err
}

// encodeFile writes header and lines, these by uid.
func encodeFile(header fileHeader, lines map[types.UID][]byte) ([]byte, error) {
	var body bytes.Buffer
	for _, uid := range slices.Sorted(maps.Keys(lines)) {
		body.Write(lines[uid])
	}
	header.Version, header.Claims, header.Sum = fileVersion, len(lines), checksumOf(body.Bytes())
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	first, err := encodeLine(fileLine{Checksum: checksumOf(text), Header: text})
	return append(first, body.Bytes()...), err
}

// decodeFile reads a checkpoint. With an error, it returns what is intact: claims whose
// own line is, of a known version; and the header if that is.
func decodeFile(text []byte) (fileHeader, []Claim, error) {
	first, body, _ := bytes.Cut(text, []byte("\n"))
	header, err := decodeHeader(first)
	if _, future := errors.AsType[versionError](err); future {
		return header, nil, err
	}
	errs := []error{err}
	if err == nil && header.Sum != checksumOf(body) {
		errs = append(errs, errors.New("the checksum of its claims is wrong"))
	}
	claims, err := decodeClaims(body)
	errs = append(errs, err)
	if errs[0] == nil && header.Claims != len(claims) {
		errs = append(errs, fmt.Errorf("it has %d intact claims of %d", len(claims), header.Claims))
	}
	return header, claims, errors.Join(errs...)
}

func decodeHeader(text []byte) (fileHeader, error) {
	var header fileHeader
	var line fileLine
	if err := json.Unmarshal(text, &line); err != nil {
		return header, fmt.Errorf("line 1: %w", err)
	}
	if line.Header == nil {
		return header, errors.New("line 1: it is not a header")
	}
	if line.Checksum != checksumOf(line.Header) {
		return header, errors.New("line 1: the checksum of the header is wrong")
	}
	// The version comes first: a later one may have fields of another kind.
	var of struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(line.Header, &of); err != nil {
		return header, fmt.Errorf("line 1: %w", err)
	}
	if of.Version != fileVersion {
		return header, versionError{of.Version}
	}
	err := json.Unmarshal(line.Header, &header)
	if err != nil {
		return fileHeader{}, fmt.Errorf("line 1: %w", err)
	}
	return header, nil
}

// decodeClaims reads the lines of claims that are intact; of a uid that is there twice,
// the first.
func decodeClaims(body []byte) ([]Claim, error) {
	var claims []Claim
	var errs []error
	seen := map[types.UID]bool{}
	number := 1
	for text := range strings.Lines(string(body)) {
		number++
		claim, err := decodeClaim([]byte(text))
		if err == nil && seen[claim.UID] {
			err = fmt.Errorf("claim %s is there twice", claim)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		seen[claim.UID] = true
		claims = append(claims, claim)
	}
	return claims, errors.Join(errs...)
}

func decodeClaim(text []byte) (Claim, error) {
	var claim Claim
	var line fileLine
	if err := json.Unmarshal(text, &line); err != nil {
		return claim, err
	}
	if line.Claim == nil || line.Checksum != checksumOf(line.Claim) {
		return claim, errors.New("the checksum of the claim is wrong")
	}
	if err := json.Unmarshal(line.Claim, &claim); err != nil {
		return claim, err
	}
	switch claim.State {
	case StatePrepareStarted, StatePrepareCompleted, StateUnprepareStarted, StateLapsed:
	default:
		return claim, fmt.Errorf("claim %s: state %q is not known", claim, claim.State)
	}
	if claim.UID == "" {
		return claim, errors.New("the claim has no uid")
	}
	return claim, nil
}
