// A signer as one would write it in Go with net/http alone: the same policy, the same answer, one log line a request.
// tests/bench/run measures the function beside it.
//
// Usage: go_signer PORT
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

const algorithm = "OSS4-HMAC-SHA256"

var (
	bucket = os.Getenv("OSS_BUCKET")
	region = os.Getenv("OSS_REGION")
)

type policy struct {
	Expiration string `json:"expiration"`
	Conditions []any  `json:"conditions"`
}

type answer struct {
	Host             string `json:"host"`
	Dir              string `json:"dir"`
	Policy           string `json:"policy"`
	Signature        string `json:"signature"`
	SignatureVersion string `json:"x_oss_signature_version"`
	Version          string `json:"version"`
	Credential       string `json:"x_oss_credential"`
	Date             string `json:"x_oss_date"`
	SecurityToken    string `json:"security_token"`
	Expire           int64  `json:"expire"`
}

func mac(key []byte, text string) []byte {
	hash := hmac.New(sha256.New, key)
	hash.Write([]byte(text))
	return hash.Sum(nil)
}

func sign(writer http.ResponseWriter, request *http.Request) {
	began := time.Now()
	now := began.UTC()
	day, date, end := now.Format("20060102"), now.Format("20060102T150405Z"), now.Add(10*time.Minute)
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		http.Error(writer, "no randomness", http.StatusInternalServerError)
		return
	}
	dir := "uploads/" + now.Format("2006/01/02/") + hex.EncodeToString(random) + "/"
	headers := request.Header
	secret, token := headers.Get("X-Fc-Access-Key-Secret"), headers.Get("X-Fc-Security-Token")
	credential := headers.Get("X-Fc-Access-Key-Id") + "/" + day + "/" + region + "/oss/aliyun_v4_request"
	document, _ := json.Marshal(policy{end.Format("2006-01-02T15:04:05.000Z"), []any{
		map[string]string{"bucket": bucket},
		map[string]string{"x-oss-signature-version": algorithm},
		map[string]string{"x-oss-credential": credential},
		map[string]string{"x-oss-date": date},
		map[string]string{"x-oss-security-token": token},
		map[string]string{"success_action_status": "200"},
		[]any{"starts-with", "$key", dir},
		[]any{"content-length-range", 1, 104857600},
	}})
	encoded := base64.StdEncoding.EncodeToString(document)
	key := mac(mac(mac(mac([]byte("aliyun_v4"+secret), day), region), "oss"), "aliyun_v4_request")
	body, _ := json.Marshal(answer{
		Host: "https://" + bucket + ".oss-" + region + ".aliyuncs.com", Dir: dir, Policy: encoded,
		Signature: hex.EncodeToString(mac(key, encoded)), SignatureVersion: algorithm, Version: algorithm,
		Credential: credential, Date: date, SecurityToken: token, Expire: end.Unix(),
	})
	writer.Header().Set("Content-Type", "application/json")
	writer.Header().Set("Cache-Control", "no-store")
	// Go would send a body of this size in chunks.
	writer.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = writer.Write(body)
	fmt.Printf("{\"method\":%q,\"path\":%q,\"status\":200,\"duration_ms\":%.3f,\"request_id\":%q}\n",
		request.Method, request.URL.Path, time.Since(began).Seconds()*1e3, headers.Get("X-Fc-Request-Id"))
}

func main() {
	http.HandleFunc("/get_post_signature_for_oss_upload", sign)
	fmt.Fprintln(os.Stderr, http.ListenAndServe("0.0.0.0:"+os.Args[1], nil))
	os.Exit(1)
}
