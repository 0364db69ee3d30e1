package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// Unknown stands for what is not known, or is not there.
const Unknown = "-"

// OrUnknown is a text, or Unknown for "".
func OrUnknown(text string) string {
	if text == "" {
		return Unknown
	}
	return text
}

// NumberRanges prints sorted numbers, three and more in a row compactly: "0-3,6,7".
func NumberRanges(numbers []int) string {
	var words []string
	for i := 0; i < len(numbers); {
		end := i
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		word := strconv.Itoa(numbers[i])
		if end > i+1 {
			word += "-" + strconv.Itoa(numbers[end])
		} else {
			end = i
		}
		words = append(words, word)
		i = end + 1
	}
	return OrUnknown(strings.Join(words, ","))
}

// CountNoun is a number of things: "1 GPU", "2 GPUs".
func CountNoun(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}

// WrapText breaks text at spaces into lines of at most so many bytes.
func WrapText(text string, width int) []string {
	return joinLines(strings.Fields(text), width)
}

// WrapList joins items with commas into lines of at most so many bytes, and breaks none.
func WrapList(items []string, width int) []string {
	words := make([]string, len(items))
	for i, item := range items {
		if words[i] = item; i < len(items)-1 {
			words[i] += ","
		}
	}
	return joinLines(words, width)
}

// joinLines joins words with spaces into lines of at most so many bytes. A longer word has
// a line of its own.
func joinLines(words []string, width int) []string {
	var lines []string
	for _, word := range words {
		if last := len(lines) - 1; last >= 0 && len(lines[last])+1+len(word) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
