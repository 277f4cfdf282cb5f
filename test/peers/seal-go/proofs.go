package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"golang.org/x/mod/sumdb/note"
)

const (
	proofHeader = "c2sp.org/tlog-proof@v1"
	pageRows    = 64
)

type followRequest struct {
	Vkeys  []string `json:"vkeys"`
	Proofs [][]byte `json:"proofs"`
}

// followed is what a proof file shows: the row that it proves, by the names of its values.
type followed struct {
	Values map[string]*string `json:"values"`
	Origin string             `json:"origin"`
	Leaf   string             `json:"leaf"`
	Error  string             `json:"error"`
}

// evidence keeps the parts that are hashed as they are written: what they stand in is canonical JSON.
type evidence struct {
	V     int             `json:"v"`
	Entry json.RawMessage `json:"entry"`
	File  struct {
		Record json.RawMessage `json:"record"`
		Index  uint64          `json:"index"`
		Path   []string        `json:"path"`
	} `json:"file"`
	Row struct {
		Names    []string  `json:"names"`
		Values   []*string `json:"values"`
		Position uint64    `json:"position"`
		Page     string    `json:"page"`
		Path     []string  `json:"path"`
	} `json:"row"`
}

type summary struct {
	Count uint64 `json:"count"`
	Root  string `json:"root"`
}

// followProofs follows each proof file from its row up to a checkpoint that one of the keys signed.
func followProofs(request followRequest) ([]followed, error) {
	verifiers, err := verifiersOf(request.Vkeys)
	if err != nil {
		return nil, err
	}
	answers := []followed{}
	for _, file := range request.Proofs {
		found, err := follow(file, verifiers)
		if err != nil {
			found = followed{Error: err.Error()}
		}
		answers = append(answers, found)
	}
	return answers, nil
}

func follow(file []byte, verifiers note.Verifiers) (found followed, err error) {
	head, checkpoint, whole := bytes.Cut(file, []byte("\n\n"))
	if !whole {
		return found, fmt.Errorf("there is no empty line")
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) < 3 || lines[0] != proofHeader {
		return found, fmt.Errorf("it is no proof file")
	}
	told, digits := strings.TrimPrefix(lines[1], "extra "), strings.TrimPrefix(lines[2], "index ")
	if told == lines[1] || digits == lines[2] {
		return found, fmt.Errorf("its lines are others")
	}
	index, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return found, err
	}
	size, root, origin, err := openHead(checkpoint, verifiers)
	if err != nil {
		return found, err
	}
	path, err := decodeAll(lines[3:], base64.StdEncoding.Strict().DecodeString)
	if err != nil {
		return found, err
	}
	extra, err := base64.StdEncoding.Strict().DecodeString(told)
	if err != nil {
		return found, err
	}
	var e evidence
	if err := json.Unmarshal(extra, &e); err != nil {
		return found, err
	}
	if err := proof.VerifyInclusion(hasher, index, size, hasher.HashLeaf(e.Entry), path, root); err != nil {
		return found, fmt.Errorf("the leaf: %w", err)
	}
	if err := followFile(e); err != nil {
		return found, err
	}
	values := map[string]*string{}
	for at, name := range e.Row.Names {
		values[name] = e.Row.Values[at]
	}
	return followed{Values: values, Origin: origin, Leaf: digits}, nil
}

// openHead gives size, root and origin of a checkpoint.
func openHead(checkpoint []byte, verifiers note.Verifiers) (uint64, []byte, string, error) {
	opened, err := note.Open(checkpoint, verifiers)
	if err != nil {
		return 0, nil, "", err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return 0, nil, "", fmt.Errorf("the note is no checkpoint")
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return 0, nil, "", err
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	return size, root, lines[0], err
}

// followFile goes from the row to the page, from the page to the file, and from the file to the entry.
func followFile(e evidence) error {
	var record struct {
		Rows     uint64 `json:"rows"`
		RowsRoot string `json:"rowsRoot"`
		RowForm  string `json:"rowForm"`
		Columns  string `json:"columns"`
	}
	if err := json.Unmarshal(e.File.Record, &record); err != nil {
		return err
	}
	var entry struct {
		Lists map[string]summary `json:"lists"`
	}
	if err := json.Unmarshal(e.Entry, &entry); err != nil {
		return err
	}
	adds := entry.Lists["adds"]
	if err := included(e.File.Index, adds.Count, e.File.Record, e.File.Path, adds.Root); err != nil {
		return fmt.Errorf("the file: %w", err)
	}
	if record.RowForm != "row/2" || len(e.Row.Names) != len(e.Row.Values) {
		return fmt.Errorf("the row is of another form")
	}
	names, err := canonicalTexts(e.Row.Names)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(names); hex.EncodeToString(sum[:]) != record.Columns {
		return fmt.Errorf("the names are others than those that were sealed")
	}
	page, err := hex.DecodeString(e.Row.Page)
	if err != nil {
		return err
	}
	first := e.Row.Position / pageRows * pageRows
	rows := record.Rows - first
	if rows > pageRows {
		rows = pageRows
	}
	if e.Row.Position >= record.Rows || uint64(len(page)) != rows*sha256.Size {
		return fmt.Errorf("the page has another length")
	}
	digest := sha256.Sum256(rowBytes(e.Row.Values))
	at := (e.Row.Position - first) * sha256.Size
	if !bytes.Equal(page[at:at+sha256.Size], digest[:]) {
		return fmt.Errorf("the row is not the one in the page")
	}
	pages := (record.Rows + pageRows - 1) / pageRows
	if err := included(first/pageRows, pages, page, e.Row.Path, record.RowsRoot); err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	return nil
}

func included(index, size uint64, data []byte, path []string, root string) error {
	hashes, err := decodeAll(path, hex.DecodeString)
	if err != nil {
		return err
	}
	expected, err := hex.DecodeString(root)
	if err != nil {
		return err
	}
	return proof.VerifyInclusion(hasher, index, size, hasher.HashLeaf(data), hashes, expected)
}

func decodeAll(texts []string, decode func(string) ([]byte, error)) ([][]byte, error) {
	decoded := [][]byte{}
	for _, text := range texts {
		one, err := decode(text)
		if err != nil {
			return nil, err
		}
		decoded = append(decoded, one)
	}
	return decoded, nil
}

// rowBytes is the form row/2: 02 for null; 01, each byte of the UTF-8 and one, and 00 for a text.
func rowBytes(values []*string) []byte {
	var row []byte
	for _, value := range values {
		if value == nil {
			row = append(row, 2)
			continue
		}
		row = append(row, 1)
		for _, b := range []byte(*value) {
			row = append(row, b+1)
		}
		row = append(row, 0)
	}
	return row
}

// canonicalTexts is the canonical JSON of plain texts, which names of columns are.
func canonicalTexts(texts []string) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(texts)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
