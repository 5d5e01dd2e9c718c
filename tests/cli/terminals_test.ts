/** Terminals with tsd's own client, in tmux. */
import { OWN_STEPS, terminalSteps } from "./terminal_steps.ts";
import { scenario } from "./setup.ts";

scenario("tsd at a terminal", { ...terminalSteps("tsd"), ...OWN_STEPS }, "tmux");
