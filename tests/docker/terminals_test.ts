/** Terminals with the docker CLI, in tmux. */
import { terminalSteps } from "../cli/terminal_steps.ts";
import { scenario } from "../cli/setup.ts";

scenario("docker at a terminal", terminalSteps("docker"), "tmux", "docker");
