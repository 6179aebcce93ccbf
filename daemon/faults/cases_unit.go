package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
	"sim2reald/robot"
)

// badWeights are one bad number in a hundred million, at load.
func badWeights(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./model/safetensors", "^TestOneNaNInAHundredMillion$")
	if err != nil {
		return broken(err)
	}
	more, err := goTest(ctx, "./model/bundle", "^TestBadNumbersInAFile$")
	if err != nil {
		return broken(err)
	}
	return measured(true, "found in 1e8, wherever it stood: NaN, infinity, subnormal (%s, %s)", ran(said), ran(more))
}

// twelveMutations are bundles with a right checksum and a wrong contract.
func twelveMutations(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./model/bundle", "^TestTwelveMutations$")
	if err != nil {
		return broken(err)
	}
	return measured(true, "all refused (%s)", ran(said))
}

// maliciousFiles lie about what they hold.
func maliciousFiles(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./model/safetensors", "^(TestMaliciousFiles|TestALieCostsNoMemory)$")
	if err != nil {
		return broken(err)
	}
	return measured(true, "%d files refused, each <= 2 MiB and <= 50 ms, or for 16 MiB of header at most as much (%s); fuzzing is `make fuzz`", partsOf(said), ran(said))
}

// limitSuite walks against every limit of every robot's joints.
func limitSuite(ctx context.Context, b *bench) outcome {
	steps := b.count(2_000_000, 10_000_000)
	said, err := goTest(ctx, "./robot/limit", "^TestNeverOutside$", "LIMIT_STEPS="+strconv.Itoa(steps))
	if err != nil {
		return broken(err)
	}
	most, err := largestPart(said)
	if err != nil {
		return broken(err)
	}
	return measured(most <= 1+slack, "largest part of a limit %.6f (position, speed, acceleration, jerk) in %d of 1e7 steps, %d walks", most, steps, partsOf(said))
}

// largestPart reads what the limiter's test prints of each walk.
func largestPart(said string) (float64, error) {
	var most float64
	parts := regexp.MustCompile(`(position|speed|acceleration|jerk):([0-9.e+-]+)`).FindAllStringSubmatch(said, -1)
	for _, p := range parts {
		x, err := strconv.ParseFloat(p[2], 64)
		if err != nil {
			return 0, err
		}
		most = max(most, x)
	}
	if len(parts) == 0 {
		return 0, fmt.Errorf("the limiter's test printed no figures")
	}
	return most, nil
}

// stateMachine asks every state about every event, and walks at random, the machine alone and the loop around it.
func stateMachine(ctx context.Context, _ *bench) outcome {
	machine, err := goTest(ctx, "./daemon/control/supervisor", "^Test")
	if err != nil {
		return broken(err)
	}
	loop, err := goTest(ctx, "./daemon/control", "Walk")
	if err != nil {
		return broken(err)
	}
	return measured(true, "0 violations: %d parts of %s; %s", partsOf(machine), ran(machine), ran(loop))
}

// bitFlips damages a bundle's file in one bit at a time.
func bitFlips(_ context.Context, b *bench) outcome {
	const flips = 1000
	files, err := b.policy()
	if err != nil {
		return broken(err)
	}
	whole, err := os.ReadFile(files.bundle)
	if err != nil {
		return broken(err)
	}
	if _, err := bundle.Load(files.bundle); err != nil {
		return broken(fmt.Errorf("undamaged: %w", err))
	}
	rng := rand.New(rand.NewPCG(27, 27))
	path := filepath.Join(b.dir, "flipped.safetensors")
	refused := 0
	for range flips {
		bad := slices.Clone(whole)
		bit := rng.IntN(8 * len(bad))
		bad[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			return broken(err)
		}
		if _, err := bundle.Load(path); err != nil {
			refused++
		}
	}
	return measured(refused == flips, "%d of %d flips refused without a signature", refused, flips)
}

// signatures are wrong, missing, of another key, of a file that is replaced while it is read, or of an older release.
func signatures(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./model/bundle", "^(TestLoadSigned|TestFlippedBits|TestForeignSignatures|TestReplacedWhileItIsRead|TestReleasesOnlyGrow|TestKeys)$")
	if err != nil {
		return broken(err)
	}
	return measured(true, "all refused: %s", ran(said))
}

// sequences are repeated, swapped, replayed, at the edges of what a number may be.
func sequences(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./daemon/topic", "^(TestGateOverPermutations|TestGateRepeatsTheLastAlone)$")
	if err != nil {
		return broken(err)
	}
	return measured(true, "0 passed twice in 1e6 random orders of repeated, retained and foreign messages (%s)", ran(said))
}

// transport lets in who has a certificate, at the embedded broker and at a real mosquitto.
func transport(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./daemon/topic", "^(TestWhoIsLetIn|TestWhoMaySayWhat|TestWhoMayHearWhat|TestWillIsNoWayRound|TestLinkOverTLS|TestCertificatesThatEnd)$", "SIM2REALD_ALL=1")
	if err != nil {
		return broken(err)
	}
	return measured(strings.Contains(said, "/mosquitto"), "expired, revoked, anonymous, plaintext, wrong name, another authority, TLS 1.2: none let in, at the embedded broker and at mosquitto; 14 days warn (%s)", ran(said))
}

// sawyerOrder says one measurement in each order of its joints, and says it wrongly.
func sawyerOrder(context.Context, *bench) outcome {
	sawyer := robot.Sawyer()
	right := topic.JointStates{Robot: "arm", Name: sawyer.Joints}
	for j := range sawyer.Joints {
		right.Position = append(right.Position, float64(j)+0.25)
		right.Velocity = append(right.Velocity, -float64(j)-0.5)
	}
	want, err := topic.DecodeState(&right, sawyer.Joints, 0)
	if err != nil {
		return broken(err)
	}
	orders, same := 0, 0
	permutations(len(sawyer.Joints), func(order []int) {
		said := topic.JointStates{Robot: "arm"}
		for _, j := range order {
			said.Name = append(said.Name, right.Name[j])
			said.Position, said.Velocity = append(said.Position, right.Position[j]), append(said.Velocity, right.Velocity[j])
		}
		orders++
		if got, err := topic.DecodeState(&said, sawyer.Joints, 0); err == nil && got == want {
			same++
		}
	})
	for name, spoil := range spoiltOrders() {
		bad := right
		bad.Name, bad.Position, bad.Velocity = slices.Clone(right.Name), slices.Clone(right.Position), slices.Clone(right.Velocity)
		spoil(&bad)
		if _, err := topic.DecodeState(&bad, sawyer.Joints, 0); err == nil {
			return broken(fmt.Errorf("%s was taken for a measurement", name))
		}
	}
	return measured(orders == 5040 && same == orders, "%d of %d orders give the same state; %d wrong ones refused", same, orders, len(spoiltOrders()))
}

// spoiltOrders are what a Sawyer's topic can carry besides.
func spoiltOrders() map[string]func(*topic.JointStates) {
	return map[string]func(*topic.JointStates){
		"head_pan before the joints": func(s *topic.JointStates) {
			s.Name = append([]string{"head_pan"}, s.Name...)
			s.Position, s.Velocity = append([]float64{0}, s.Position...), append([]float64{0}, s.Velocity...)
		},
		"head_pan instead of a joint": func(s *topic.JointStates) { s.Name[0] = "head_pan" },
		"a missing j3": func(s *topic.JointStates) {
			s.Name, s.Position, s.Velocity = slices.Delete(s.Name, 3, 4), slices.Delete(s.Position, 3, 4), slices.Delete(s.Velocity, 3, 4)
		},
		"a joint twice": func(s *topic.JointStates) { s.Name[4] = s.Name[3] },
		"the gripper alone": func(s *topic.JointStates) {
			s.Name, s.Position, s.Velocity = []string{"right_gripper"}, []float64{0}, []float64{0}
		},
		"fewer values":          func(s *topic.JointStates) { s.Position = s.Position[:6] },
		"nothing":               func(s *topic.JointStates) { s.Name, s.Position, s.Velocity = nil, nil, nil },
		"a Panda's joint names": func(s *topic.JointStates) { s.Name = robot.Panda().Joints },
	}
}

// permutations calls f with each order of n things.
func permutations(n int, f func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var place func(int)
	place = func(k int) {
		if k == n {
			f(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			place(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	place(0)
}

// wrongRobot brings bundles of other robots to the arm that is there: a Panda.
func wrongRobot(ctx context.Context, b *bench) outcome {
	for _, other := range []robot.Model{robot.Sawyer(), robot.FR3()} {
		dir, err := os.MkdirTemp(b.dir, "rig")
		if err != nil {
			return broken(err)
		}
		files, err := writePolicy(dir, func(m *bundle.Manifest) {
			m.Robot.Model, m.Robot.JointNames = other.Name, other.Joints
			m.Limits, m.Action.Dimensions = bundle.LimitsOf(other.Limits, other.N(), speedScale), bundle.Dimensions(other.Joints)
		})
		if err != nil {
			return broken(err)
		}
		if err := b.refusesBundle(ctx, files.bundle, "robot.model"); err != nil {
			return broken(fmt.Errorf("%s: %w", other.Name, err))
		}
	}
	return measured(true, "sawyer's and fr3's bundles refused before a panda by robot.model; 0 motion commands")
}

// refusesBundle starts a daemon with a bundle beside an arm that runs an episode: it must refuse, and send no motion.
func (b *bench) refusesBundle(ctx context.Context, path, names string) error {
	r, err := b.newRig(ctx, rigOptions{noDaemon: true, bundle: path})
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.runEpisode(ctx); err != nil {
		return err
	}
	r.opts.noDaemon = false
	if err := r.startDaemon(ctx); err != nil {
		return err
	}
	if err := r.daemon.wait(patienceOfRefusal); err != nil {
		return err
	}
	if line := refusal(r.daemon.said.String()); !strings.Contains(line, names) {
		return fmt.Errorf("the refusal %q does not name %s", line, names)
	}
	return r.stoodSince(0)
}
