package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtp"

	"sim2reald/camera"
)

// codec is what a camera sends.
type codec struct {
	h264 bool // else motion JPEG
	kind kind
}

func open(c codec) (decoder, error) {
	if c.h264 {
		return openH264()
	}
	return openMJPEG()
}

// connect plays the first video that can be decoded.
func connect(ctx context.Context, opt Options, now func() time.Duration, to *inlet) error {
	u, err := opt.url()
	if err != nil {
		return err
	}
	c := client(u, opt)
	if err := c.Start2(); err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, c.Close)()
	desc, _, err := c.Describe(u)
	if err != nil {
		return err
	}
	media, form, err := choose(desc, to)
	if err != nil {
		return err
	}
	if _, err := c.Setup(desc.BaseURL, media, 0, 0); err != nil {
		return err
	}
	clock := &senderClock{rate: int64(form.ClockRate())}
	c.OnPacketRTCP(media, clock.hear)
	c.OnPacketRTP(media, form, func(p *rtp.Packet) { to.packet(p, opt.came(clock.moment(p, now(), time.Now()))) })
	if _, err := c.Play(nil); err != nil {
		return err
	}
	return c.Wait()
}

func client(u *base.URL, opt Options) *gortsplib.Client {
	transport := gortsplib.TransportTCP
	if opt.UDP {
		transport = gortsplib.TransportUDP
	}
	return &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Transport: &transport, ReadTimeout: opt.Silence, WriteTimeout: opt.Silence,
		DialContext: sameHost(),
		// The assembler finds both by itself; the library would write them to stderr.
		OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {}, OnTransportSwitch: func(error) {},
	}
}

// sameHost dials one address and no other: a camera that redirects elsewhere would have user and password sent there.
func sameHost() func(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	var first string
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if first == "" {
			first = address
		}
		if address != first {
			return nil, fmt.Errorf("it redirects to %s, another host", address)
		}
		return dialer.DialContext(ctx, network, address)
	}
}

// url is the address with user and password in it, as gortsplib wants it.
func (o Options) url() (*base.URL, error) {
	u, err := base.ParseURL(o.URL)
	if err != nil {
		return nil, errors.New("not an address; write rtsp://host:port/path")
	}
	if o.User != "" {
		u.User = url.UserPassword(o.User, o.Password)
	}
	return u, nil
}

// choose opens the decoder of the first video that has one.
func choose(desc *description.Session, to *inlet) (*description.Media, format.Format, error) {
	var seen []string
	for _, m := range desc.Medias {
		for _, f := range m.Formats {
			c, ok := codecOf(f)
			if ok {
				return m, f, to.open(c)
			}
			seen = append(seen, f.Codec())
		}
	}
	return nil, nil, fmt.Errorf("%w: %s", errCodec, strings.Join(seen, ", "))
}

func codecOf(f format.Format) (codec, bool) {
	switch f := f.(type) {
	case *format.MJPEG:
		return codec{kind: newJPEGs()}, true
	case *format.H264:
		if f.PacketizationMode < 2 {
			sps, pps := f.SafeParams()
			return codec{h264: true, kind: newAccessUnits(sps, pps)}, true
		}
	}
	return codec{}, false
}

// came is a moment as the options want it.
func (o Options) came(m moment) moment {
	if o.ByArrival {
		m.taken = m.arrival
	}
	return m
}

var errCodec = errors.New("it sends neither H264 nor motion JPEG")

// said is why a connection ended, with what to do, and without user and password.
func (o Options) said(err error) error {
	if err == nil {
		err = errors.New("the camera ended the stream")
	}
	return &endedError{text: fmt.Sprintf("camera %s: reading %s: %s; %s", o.Camera, camera.Shown(o.URL), o.hidden(err.Error()), o.remedy(err)), err: err}
}

// endedError shows no secret, and so does not show the error that it wraps, which may.
type endedError struct {
	text string
	err  error
}

func (e *endedError) Error() string { return e.text }
func (e *endedError) Unwrap() error { return e.err }

func (o Options) hidden(text string) string {
	for _, secret := range []string{o.Password, url.QueryEscape(o.Password), url.PathEscape(o.Password), url.UserPassword("", o.Password).String()} {
		if secret = strings.TrimPrefix(secret, ":"); secret != "" {
			text = strings.ReplaceAll(text, secret, "...")
		}
	}
	return text
}

func (o Options) remedy(err error) string {
	var status liberrors.ErrClientBadStatusCode
	switch {
	case errors.As(err, &status) && status.Code == base.StatusUnauthorized:
		return "give user and password of the camera in a credentials file"
	case errors.As(err, &status):
		return "check the path in " + o.Key
	case errors.Is(err, errCodec):
		return "set the camera to one of these"
	case errors.Is(err, errHung), errors.Is(err, errAllHung):
		return "set the camera to motion JPEG"
	}
	return "check that the camera is on, and " + o.Key
}
