package pbtxt

import (
	"errors"
	"strings"
)

type tokenKind int8

const (
	endToken tokenKind = iota
	wordToken
	stringToken
	signToken
)

type textToken struct {
	kind tokenKind
	text string
}

// textScanner divides a text into words, strings and signs.
type textScanner struct {
	text string
	at   int
	line int
}

var errOpenString = errors.New("a string is not closed")

// nextToken is the next token, beyond spaces and comments.
func (s *textScanner) nextToken() (textToken, error) {
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == '\n':
			s.line++
			s.at++
		case c == ' ' || c == '\t' || c == '\r':
			s.at++
		case c == '#':
			end := strings.IndexByte(s.text[s.at:], '\n')
			if end < 0 {
				end = len(s.text) - s.at
			}
			s.at += end
		case c == '"' || c == '\'':
			return s.readString(c)
		case strings.IndexByte("{}<>[]:,;", c) >= 0:
			s.at++
			return textToken{signToken, string(c)}, nil
		default:
			start := s.at
			for s.at < len(s.text) && strings.IndexByte(" \t\r\n{}<>[]:,;#\"'", s.text[s.at]) < 0 {
				s.at++
			}
			return textToken{wordToken, s.text[start:s.at]}, nil
		}
	}
	return textToken{kind: endToken, text: "the end"}, nil
}

// readString reads a quoted string, with what stands behind a backslash as it is.
func (s *textScanner) readString(quote byte) (textToken, error) {
	var b strings.Builder
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == quote:
			s.at++
			return textToken{stringToken, b.String()}, nil
		case c == '\n':
			return textToken{}, errOpenString
		case c == '\\' && s.at+1 < len(s.text):
			s.at++
			b.WriteByte(s.text[s.at])
		default:
			b.WriteByte(c)
		}
	}
	return textToken{}, errOpenString
}
