package calibration

import (
	"fmt"
	"time"
)

// Fresh refuses a result that is older than maxAge, from the future, of another camera than the one with this
// serial, or without the date, the serial and the samples that would tell. what names the result for the error.
func (r Record) Fresh(what string, now time.Time, maxAge time.Duration, serial string) error {
	switch {
	case r.Date.IsZero():
		return fmt.Errorf("%s has no date; calibrate again", what)
	case r.Samples < 1:
		return fmt.Errorf("%s says %d samples; calibrate again", what, r.Samples)
	case !(r.RMS >= 0) || !finite(r.RMS):
		return fmt.Errorf("%s has a residual of %g px; calibrate again", what, r.RMS)
	case r.Serial == "":
		return fmt.Errorf("%s names no camera; calibrate again with -serial", what)
	case r.Serial != serial:
		return fmt.Errorf("%s is of camera %q, and this is %q; calibrate this one, or plug in the other", what, r.Serial, serial)
	case now.Before(r.Date.Add(-time.Minute)):
		return fmt.Errorf("%s is dated %s, which is to come; set the clock or calibrate again", what, r.Date.Format(time.RFC3339))
	case now.Sub(r.Date) > maxAge:
		return fmt.Errorf("%s is %s old, want at most %s; calibrate again", what, days(now.Sub(r.Date)), days(maxAge))
	}
	return nil
}

// Of refuses a result of another arm than robot, its model and serial, or one that does not say of which.
func (r Record) Of(what, robot string) error {
	switch r.Robot {
	case robot:
		return nil
	case "":
		return fmt.Errorf("%s names no robot; calibrate again with -robot %q", what, robot)
	}
	return fmt.Errorf("%s is of robot %q, and this is %q; calibrate this one", what, r.Robot, robot)
}

func days(d time.Duration) string { return fmt.Sprintf("%.1f days", d.Hours()/24) }
