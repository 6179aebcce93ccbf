package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode reads YAML strictly into a pointer to a struct: an unknown or repeated key is an error that names
// its line, its path and the nearest key. It gives the document, for located; nil for an empty file.
func decode(data []byte, into any) (*yaml.Node, error) {
	var doc yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(data))
	if err := reader.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, oneLine(err)
	}
	if len(doc.Content) == 0 {
		return nil, nil // an empty file: the defaults
	}
	if err := reader.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("a second document begins at ---, which nobody would read; keep one")
	}
	if err := checkKeys(doc.Content[0], reflect.TypeOf(into).Elem(), ""); err != nil {
		return nil, err
	}
	return doc.Content[0], oneLine(doc.Decode(into))
}

// located puts the line of its key before an error of Validate, each of which begins with its key. Where the file says
// nothing of the key itself, because a default fits badly to another key, the line is that of the section.
func located(err error, root *yaml.Node) error {
	if err == nil {
		return nil
	}
	path, _, _ := strings.Cut(err.Error(), ": ")
	line := 0
	for name := range strings.SplitSeq(strings.ReplaceAll(path, "[", "."), ".") {
		var at int
		if root, at = child(root, strings.TrimSuffix(name, "]")); root == nil {
			break
		}
		line = at
	}
	if line == 0 {
		return err
	}
	return fmt.Errorf("line %d: %w", line, err)
}

// child is the value under a key or an index of a node, which may be nil, and its line; nil where there is none.
func child(node *yaml.Node, name string) (*yaml.Node, int) {
	if node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node == nil {
		return nil, 0
	}
	if i, err := strconv.Atoi(name); err == nil && node.Kind == yaml.SequenceNode && i >= 0 && i < len(node.Content) {
		return node.Content[i], node.Content[i].Line
	}
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1], node.Content[i].Line
		}
	}
	return nil, 0
}

// oneLine joins the several lines of the library's type errors.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	return errors.New(strings.TrimPrefix(text, "yaml: "))
}

// checkKeys walks the document beside the type that it is decoded into.
func checkKeys(node *yaml.Node, t reflect.Type, path string) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		return checkMapping(node, t, path)
	case node.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, item := range node.Content {
			if err := checkKeys(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case node.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := checkKeys(node.Content[i+1], t.Elem(), path+"."+node.Content[i].Value); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct && node.Tag != "!!null":
		return fmt.Errorf("line %d: %s holds keys, not a value", node.Line, orFile(path))
	case node.Tag == "!!null":
		return fmt.Errorf("line %d: %s has no value; give it one or take the key out", node.Line, orFile(path))
	}
	return checkValue(node, t, path)
}

// checkValue wants a value of the key's kind: the library alone would take 1.5 for a whole number, without its half,
// and would name a wrong one by its line and Go's type.
func checkValue(node *yaml.Node, t reflect.Type, path string) error {
	want, ok := "", true
	switch t.Kind() {
	case reflect.Int:
		want, ok = "a whole number, without a unit", node.Tag == "!!int"
	case reflect.Float64:
		want, ok = "a number, without a unit", node.Tag == "!!int" || node.Tag == "!!float"
	case reflect.Bool:
		want, ok = "true or false", node.Tag == "!!bool"
	case reflect.String:
		want, ok = "one value", node.Kind == yaml.ScalarNode
	case reflect.Slice:
		want, ok = "a list", node.Kind == yaml.SequenceNode
	case reflect.Map:
		want, ok = "names with their values", node.Kind == yaml.MappingNode
	}
	if !ok {
		return fmt.Errorf("line %d: %s: %q is not %s", node.Line, path, node.Value, want)
	}
	return nil
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func checkMapping(node *yaml.Node, t reflect.Type, path string) error {
	fields, names := fieldsOf(t)
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		full := strings.TrimPrefix(path+"."+key.Value, ".")
		field, ok := fields[key.Value]
		if !ok {
			return fmt.Errorf("line %d: unknown key %s; did you mean %s?", key.Line, full, nearest(key.Value, names))
		}
		if seen[key.Value] {
			return fmt.Errorf("line %d: key %s stands twice; keep one", key.Line, full)
		}
		seen[key.Value] = true
		if err := checkKeys(node.Content[i+1], field, full); err != nil {
			return err
		}
	}
	return nil
}

func fieldsOf(t reflect.Type) (map[string]reflect.Type, []string) {
	fields := map[string]reflect.Type{}
	var names []string
	for f := range t.Fields() {
		name := f.Tag.Get("yaml")
		fields[name] = f.Type
		names = append(names, name)
	}
	return fields, names
}

// nearest is the name with the smallest edit distance.
func nearest(word string, names []string) string {
	best, least := "", 1<<30
	for _, name := range names {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is Levenshtein's, by rows.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
