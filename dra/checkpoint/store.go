package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Store holds the claims of a checkpoint, and writes every change to its file before it
// returns. Changes that come at the same time share a write. It can be used from several
// goroutines, as long as no two change the same claim at once.
type Store struct {
	path    string
	between func(step string)

	mu     sync.Mutex
	header fileHeader
	claims map[types.UID]Claim
	lines  map[types.UID][]byte
	// changes counts changes, saved says how many of them are in the file, and failed
	// up to which a write failed with err.
	changes, saved, failed int
	err                    error
	writing                bool
	written                sync.Cond
}

// StoreOptions say where a checkpoint is and what it is of.
type StoreOptions struct {
	// Path is the file. Its directory must exist.
	Path string
	// BootID is that of the node at present, as in /proc/sys/kernel/random/boot_id.
	BootID string
	// Between is called between any two steps of a write, for tests; nil for nothing.
	Between func(step string)
}

// OpenStore reads the checkpoint. A file that does not exist holds no claims. One that is
// damaged or of a later version is set aside, which the Damage tells; the store then has
// the claims that could be read. Claims of another boot are lapsed. An error means that
// there is no store, since the file cannot be read or written.
func OpenStore(options StoreOptions) (*Store, *Damage, error) {
	s := &Store{path: options.Path, between: options.Between, claims: map[types.UID]Claim{}, lines: map[types.UID][]byte{}}
	s.written.L = &s.mu
	if s.between == nil {
		s.between = func(string) {}
	}
	text, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read checkpoint: %w", err)
	}
	if err != nil {
		s.header.BootID = options.BootID
		return s, nil, s.writeChanges()
	}
	var claims []Claim
	var damage *Damage
	s.header, claims, err = decodeFile(text)
	if err != nil {
		aside, err2 := setAside(s.path)
		if err2 != nil {
			return nil, nil, fmt.Errorf("the checkpoint %s cannot be read (%w), nor set aside: %w", s.path, err, err2)
		}
		damage = &Damage{Path: aside, Kept: len(claims), Cause: err}
		s.header.Incomplete = true
	}
	// Without a header the boot is not known, and the claims are taken to be of this one:
	// what turns out to be missing lapses later.
	rebooted := s.header.BootID != "" && s.header.BootID != options.BootID
	s.header.BootID = options.BootID
	if rebooted {
		s.header.Incomplete = false // those that were lost run no more
	}
	for _, claim := range claims {
		if rebooted {
			claim.State = StateLapsed
		}
		line, err := encodeClaim(claim)
		if err != nil {
			return nil, nil, fmt.Errorf("read checkpoint: %w", err)
		}
		s.claims[claim.UID], s.lines[claim.UID] = claim, line
	}
	return s, damage, s.writeChanges()
}

// PreparedClaim returns the claim with that uid.
func (s *Store) PreparedClaim(uid types.UID) (Claim, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	claim, found := s.claims[uid]
	return claim.CloneRecord(), found
}

// PreparedClaims are all claims, by uid.
func (s *Store) PreparedClaims() []Claim {
	s.mu.Lock()
	defer s.mu.Unlock()
	claims := make([]Claim, 0, len(s.claims))
	for _, uid := range slices.Sorted(maps.Keys(s.claims)) {
		claims = append(claims, s.claims[uid].CloneRecord())
	}
	return claims
}

// PutClaim adds or replaces a claim. With an error the store has what it had before; the
// file may have either.
func (s *Store) PutClaim(claim Claim) error {
	claim = claim.CloneRecord()
	line, err := encodeClaim(claim)
	if err != nil {
		return err
	}
	return s.changeClaim(claim.UID, func() { s.claims[claim.UID], s.lines[claim.UID] = claim, line })
}

// DeleteClaim removes a claim; one that is not there is no error. See PutClaim for errors.
func (s *Store) DeleteClaim(uid types.UID) error {
	return s.changeClaim(uid, func() { delete(s.claims, uid); delete(s.lines, uid) })
}

// IsIncomplete reports whether claims were lost with a damaged file.
func (s *Store) IsIncomplete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header.Incomplete
}

// SetComplete says that nothing runs any more that the checkpoint does not know.
func (s *Store) SetComplete() error {
	s.mu.Lock()
	s.header.Incomplete = false
	s.mu.Unlock()
	return s.writeChanges()
}

// changeClaim changes the claim in memory and in the file, or in neither.
func (s *Store) changeClaim(uid types.UID, change func()) error {
	s.mu.Lock()
	before, found := s.claims[uid]
	line := s.lines[uid]
	change()
	s.mu.Unlock()
	err := s.writeChanges()
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.claims, uid)
	delete(s.lines, uid)
	if found {
		s.claims[uid], s.lines[uid] = before, line
	}
	return err
}

// writeChanges returns when all changes so far are in the file. One of those who wait
// writes for all.
func (s *Store) writeChanges() error {
	text, upTo, err := s.claimWrite()
	if text == nil {
		return err
	}
	err = writeFile(s.path, text, s.between)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = false
	s.saved = upTo
	if err != nil {
		s.failed, s.err = upTo, err
	}
	s.written.Broadcast()
	return err
}

// claimWrite waits until somebody has written all changes so far, and then returns no
// text; or makes the caller the one who writes the text, which has upTo changes.
func (s *Store) claimWrite() (text []byte, upTo int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	own := s.changes
	for s.writing {
		s.written.Wait()
		if s.failed >= own {
			return nil, 0, s.err
		}
		if s.saved >= own {
			return nil, 0, nil
		}
	}
	if text, err = encodeFile(s.header, s.lines); err != nil {
		return nil, 0, err
	}
	s.writing = true
	return text, s.changes, nil
}
