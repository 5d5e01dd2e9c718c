/** Minutes of swaps in a container, while its files are copied. */
import { World } from "../cli/setup.ts";
import { raceSwaps } from "../files/symlink_race.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

const MINUTES = 5;

Deno.test(
  `${MINUTES} minutes of swaps: never out of the container`,
  requires("root", "runc", "docker-registry"),
  async () => {
    await using world = await World.start();
    const { rounds, outcomes } = await raceSwaps(world, MINUTES * 60);
    await world.nothingLeft();
    await world.noNewDescriptors();
    print("swaps", `${rounds} rounds`, ...Object.entries(outcomes).map(([what, count]) => `${what} ${count}`));
  },
);
