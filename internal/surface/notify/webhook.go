package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/secret"
)

// posted is what a webhook's message holds.
type posted struct {
	At      time.Time         `json:"at"`
	URL     string            `json:"url"`
	Matters []messages.Matter `json:"matters"`
}

// The heads of a posted message.
const (
	MessageHead   = "Provisor-Message"   // its number: the same whenever it is posted
	TimestampHead = "Provisor-Timestamp" // seconds, when it was posted
	SignatureHead = "Provisor-Signature" // sha256=HEX over TIMESTAMP.BODY
)

// Sign is the signature of a body that is posted at a time.
func Sign(key secret.Text, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

const (
	// postSeconds is what a receiver gets: it should take note and work later.
	postSeconds = 10
	// answerBytes is what is read of an answer, to keep the connection.
	answerBytes = 4 << 10
)

// post sends what is due to webhooks. One that does not answer is left alone for
// the rest of the run, and keeps no other waiting.
func (r *Runner) post(ctx context.Context, s *messages.Settings, now time.Time, sum *Summary) error {
	list, err := r.Store.ClaimMessages(ctx, stage.ByWebhook, now, now.Add(leaseMinutes*time.Minute), claimedMost)
	down := map[string]outcome{}
	for _, m := range list {
		o, known := down[m.Recipient]
		switch {
		case ctx.Err() != nil:
			o = ending
		case !known:
			if o = r.postOne(ctx, s, now, m); o.err != nil && ctx.Err() == nil {
				down[m.Recipient] = o
			}
		}
		if err := r.note(ctx, now, m, o, sum); err != nil {
			return err
		}
	}
	return err
}

func (r *Runner) postOne(ctx context.Context, s *messages.Settings, now time.Time, m stage.Message) outcome {
	i := slices.IndexFunc(s.Webhooks, func(w messages.Webhook) bool { return "webhook "+w.ID == m.Recipient })
	if i < 0 {
		return outcome{err: errors.New("the deployed configuration does not name this webhook any more"), final: true}
	}
	w := s.Webhooks[i]
	key, err := r.Secret(ctx, w.Secret)
	if err != nil {
		return outcome{err: err, down: true}
	}
	ctx, cancel := context.WithTimeout(ctx, postSeconds*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(m.Content))
	if err != nil {
		return outcome{err: hidden(w, err), final: true}
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Provisor")
	request.Header.Set(MessageHead, number(m))
	request.Header.Set(TimestampHead, timestamp)
	request.Header.Set(SignatureHead, Sign(key, timestamp, m.Content))
	client := client(w)
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		return outcome{err: hidden(w, err)}
	}
	defer func() { _ = answer.Body.Close() }() // nothing is wanted of it
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, answerBytes))
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return outcome{}
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return outcome{err: fmt.Errorf("it answered %s: a webhook is not followed elsewhere; write its own address", answer.Status)}
	}
	return outcome{err: fmt.Errorf("it answered %s", answer.Status)}
}

// hidden is an error without the address: its path and query may be a key.
func hidden(w messages.Webhook, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return errors.New(strings.ReplaceAll(err.Error(), w.URL, placeOf(w.URL)))
}

// client posts to one webhook: through no proxy, following nobody, and to no
// address within the walls that the administrator did not mean.
func client(w messages.Webhook) *http.Client {
	dialer := &net.Dialer{Timeout: postSeconds * time.Second, Control: guard(w)}
	return &http.Client{
		Timeout:       postSeconds * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: postSeconds * time.Second, MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true,
		},
	}
}

// guard refuses addresses once names are resolved, so that no name leads where its
// owner likes.
func guard(w messages.Webhook) func(network, address string, _ syscall.RawConn) error {
	written := ""
	if u, err := url.Parse(w.URL); err == nil {
		written = u.Hostname()
	}
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := at.Addr().Unmap().WithZone("")
		if literal, err := netip.ParseAddr(written); err == nil && literal.Unmap() == ip || written == "localhost" && ip.IsLoopback() {
			return nil // the administrator wrote it
		}
		switch {
		case ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() || thisNetwork.Contains(ip) || translated.Contains(ip):
			return fmt.Errorf("%s leads to %s, where no webhook is", written, ip)
		case !w.Private && (ip.IsPrivate() || ip.IsLoopback() || carrier.Contains(ip)):
			return fmt.Errorf("%s leads to the private address %s: write private: true where that is meant", written, ip)
		}
		return nil
	}
}

// Addresses that lead elsewhere than they seem to, or nowhere.
var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	carrier     = netip.MustParsePrefix("100.64.0.0/10")
	translated  = netip.MustParsePrefix("64:ff9b::/96")
)
