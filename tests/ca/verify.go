// Prints, for each triple of PEM files (root, intermediates, leaf), "ok" or why Go refuses it.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func pool(path string) *x509.CertPool {
	pool := x509.NewCertPool()
	text, err := os.ReadFile(path)
	if err != nil || !pool.AppendCertsFromPEM(text) {
		panic(path)
	}
	return pool
}

func main() {
	for args := os.Args[1:]; len(args) >= 3; args = args[3:] {
		text, err := os.ReadFile(args[2])
		if err != nil {
			panic(err)
		}
		block, _ := pem.Decode(text)
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err == nil {
			_, err = leaf.Verify(x509.VerifyOptions{Roots: pool(args[0]), Intermediates: pool(args[1])})
		}
		if err != nil {
			fmt.Println("refused:", err)
		} else {
			fmt.Println("ok")
		}
	}
}
