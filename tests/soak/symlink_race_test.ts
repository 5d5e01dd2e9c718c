/** Minutes of symlink races in a container while its files are copied. */
import { Fixture } from "../cli/setup.ts";
import { raceSwaps } from "../files/symlink_race.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

const MINUTES = 5;

Deno.test(
  `${MINUTES} minutes of symlink races: no copy leaves the container`,
  requires("root", "runc", "docker-registry"),
  async () => {
    await using fixture = await Fixture.start();
    const { rounds, outcomes } = await raceSwaps(fixture, MINUTES * 60);
    await fixture.nothingLeft();
    await fixture.noNewDescriptors();
    print("swaps", `${rounds} rounds`, ...Object.entries(outcomes).map(([what, count]) => `${what} ${count}`));
  },
);
