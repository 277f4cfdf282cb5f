// Command seal-go is the other maker's side of seal.peer.ts: notes by golang.org/x/mod/sumdb/note, proofs and roots by
// github.com/transparency-dev/merkle and golang.org/x/mod/sumdb/tlog. It reads one request from standard input, as JSON,
// and writes one answer. Its subcommands are open, sign, verify, prove, rebuild and follow.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	answer, err := run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command string) (interface{}, error) {
	in := json.NewDecoder(os.Stdin)
	switch command {
	case "open":
		var request openRequest
		if err := in.Decode(&request); err != nil {
			return nil, err
		}
		return openNotes(request)
	case "sign":
		var request signRequest
		if err := in.Decode(&request); err != nil {
			return nil, err
		}
		return signNotes(request)
	case "verify":
		var request []claim
		if err := in.Decode(&request); err != nil {
			return nil, err
		}
		return verifyClaims(request), nil
	case "prove":
		var request proveRequest
		if err := in.Decode(&request); err != nil {
			return nil, err
		}
		return proveAll(request)
	case "rebuild":
		var request rebuildRequest
		if err := in.Decode(&request); err != nil {
			return nil, err
		}
		return rebuild(request)
	case "follow":
		var request followRequest
		if err := in.Decode(&request); err != nil {
			return nil, err
		}
		return followProofs(request)
	}
	return nil, fmt.Errorf("there is no command %q", command)
}

type openRequest struct {
	Vkeys []string `json:"vkeys"`
	Notes [][]byte `json:"notes"`
}

type opened struct {
	Text     string   `json:"text"`
	Verified []string `json:"verified"`
	Error    string   `json:"error"`
}

// openNotes opens each note with the keys, and says what came of it.
func openNotes(request openRequest) ([]opened, error) {
	verifiers, err := verifiersOf(request.Vkeys)
	if err != nil {
		return nil, err
	}
	answers := []opened{}
	for _, bytes := range request.Notes {
		found, err := note.Open(bytes, verifiers)
		if err != nil {
			answers = append(answers, opened{Error: err.Error()})
			continue
		}
		names := []string{}
		for _, signature := range found.Sigs {
			names = append(names, fmt.Sprintf("%s+%08x", signature.Name, signature.Hash))
		}
		answers = append(answers, opened{Text: found.Text, Verified: names})
	}
	return answers, nil
}

func verifiersOf(vkeys []string) (note.Verifiers, error) {
	var verifiers []note.Verifier
	for _, vkey := range vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, verifier)
	}
	return note.VerifierList(verifiers...), nil
}

type signRequest struct {
	Names []string `json:"names"`
	Texts []string `json:"texts"`
}

type signed struct {
	Vkeys []string `json:"vkeys"`
	Skeys []string `json:"skeys"`
	Notes []string `json:"notes"`
}

// signNotes makes a key of each name, and signs each text with all of them.
func signNotes(request signRequest) (signed, error) {
	var answer signed
	var signers []note.Signer
	for _, name := range request.Names {
		skey, vkey, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			return answer, err
		}
		signer, err := note.NewSigner(skey)
		if err != nil {
			return answer, err
		}
		signers = append(signers, signer)
		answer.Skeys = append(answer.Skeys, skey)
		answer.Vkeys = append(answer.Vkeys, vkey)
	}
	for _, text := range request.Texts {
		bytes, err := note.Sign(&note.Note{Text: text}, signers...)
		if err != nil {
			return answer, err
		}
		answer.Notes = append(answer.Notes, string(bytes))
	}
	return answer, nil
}
