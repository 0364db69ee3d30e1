package rootfs

import (
	"bytes"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// CertificateFile is where programs look for the certificates of authorities.
const CertificateFile = "etc/ssl/certs/ca-certificates.crt"

// AddCertificates adds the authorities that Mozilla trusts without a condition, as of the
// version of golang.org/x/crypto/x509roots/fallback in go.mod. Those with a condition, such
// as a date, are left out, as a file of certificates cannot state it.
func (r Root) AddCertificates() error {
	var out bytes.Buffer
	count := 0
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		count++
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return fmt.Errorf("writing the certificates of authorities: %w", err)
		}
	}
	if count == 0 {
		return fmt.Errorf("golang.org/x/crypto/x509roots/fallback has no certificates of authorities")
	}
	r.AddFile(CertificateFile, 0o644, out.Bytes())
	return nil
}
