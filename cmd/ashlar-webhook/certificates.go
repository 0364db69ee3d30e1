package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"

	"k8s.io/client-go/util/cert"
)

// backdated is by how much client-go lets a certificate begin earlier than it is made.
const backdated = time.Hour

// certificatePair is a server's certificate, followed by that of the authority that signed it, whose
// key nobody has any more; and the server's key. All are PEM.
type certificatePair struct {
	certificate, key []byte
	parsed           tls.Certificate
}

// newPair makes a pair.
func (o *webhookOptions) newPair() (*certificatePair, error) {
	host, names, addresses := o.serverNames()
	certificate, key, err := cert.GenerateSelfSignedCertKeyWithOptions(cert.SelfSignedCertKeyOptions{
		Host: host, AlternateDNS: names, AlternateIPs: addresses, MaxAge: o.certLifetime + backdated,
	})
	if err != nil {
		return nil, fmt.Errorf("making a certificate for %s: %w", host, err)
	}
	return parsePair(certificate, key)
}

// parsePair reads a pair; nil without an error if there is none.
func parsePair(certificate, key []byte) (*certificatePair, error) {
	if len(certificate) == 0 && len(key) == 0 {
		return nil, nil
	}
	parsed, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	if parsed.Leaf == nil || len(parsed.Certificate) < 2 {
		return nil, errors.New("the authority's certificate is missing")
	}
	return &certificatePair{certificate: certificate, key: key, parsed: parsed}, nil
}

// authorityPEM is the certificate of who signed it, in PEM.
func (p *certificatePair) authorityPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: p.parsed.Certificate[len(p.parsed.Certificate)-1]})
}

// madeAt is when the pair was made, and lifetime how long it is valid.
func (p *certificatePair) madeAt() time.Time { return p.parsed.Leaf.NotBefore.Add(backdated) }

func (p *certificatePair) lifetime() time.Duration { return p.parsed.Leaf.NotAfter.Sub(p.madeAt()) }

// isOld reports whether it is time for another.
func (p *certificatePair) isOld(now time.Time) bool {
	return now.After(p.madeAt().Add(p.lifetime() * 2 / 3))
}

// servesNames reports whether the pair is valid, for all names of the server.
func (p *certificatePair) servesNames(o *webhookOptions, now time.Time) bool {
	host, names, addresses := o.serverNames()
	for _, name := range append(names, host) {
		if p.parsed.Leaf.VerifyHostname(name) != nil {
			return false
		}
	}
	return now.Before(p.parsed.Leaf.NotAfter) && hasAddresses(p.parsed.Leaf, addresses)
}

func hasAddresses(leaf *x509.Certificate, addresses []net.IP) bool {
	for _, ip := range addresses {
		if leaf.VerifyHostname(ip.String()) != nil {
			return false
		}
	}
	return true
}

// mostAuthorities is how many authorities a bundle has at most.
const mostAuthorities = 4

// joinBundle is the authorities of pairs, the newest first, and those of an earlier bundle that are
// still valid: servers may have their certificates for a moment yet.
func joinBundle(earlier []byte, now time.Time, pairs ...*certificatePair) []byte {
	var blocks [][]byte
	add := func(block []byte) {
		for _, known := range blocks {
			if bytes.Equal(known, block) {
				return
			}
		}
		if len(blocks) < mostAuthorities {
			blocks = append(blocks, block)
		}
	}
	for _, pair := range pairs {
		if pair != nil {
			add(pair.authorityPEM())
		}
	}
	for rest := earlier; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if known, err := x509.ParseCertificate(block.Bytes); err == nil && now.Before(known.NotAfter) {
			add(pem.EncodeToMemory(block))
		}
	}
	return bytes.Join(blocks, nil)
}
