/**
 * Whole models in Keras and PyTorch, where Python has them.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { PythonServer } from "./python-server.ts";

/** What a peer took, in milliseconds. */
export interface TrainingReply {
  /** Before any training; PyTorch starts from its own weights and gives none. */
  readonly loss?: number;
  readonly step: number;
  readonly predict: number;
  readonly predictOne: number;
  readonly first: number;
  readonly version: string;
  /** Whether this peer does not have the model. */
  readonly missing?: boolean;
}

/** One of the ways in which a peer runs. */
export interface TrainingPeer {
  readonly name: string;
  time(model: string, seconds: number): Promise<TrainingReply>;
  close(): void;
}

interface Kind {
  readonly name: string;
  readonly python: string;
  readonly module: string;
  readonly argument: "keras" | "torch";
  readonly env: Record<string, string>;
  readonly jit: boolean;
}

const keras = process.env["KERATIN_PYTHON"] ?? "python3";
const torch = process.env["KERATIN_TORCH_PYTHON"] ?? "python3";
const quiet = { TF_CPP_MIN_LOG_LEVEL: "3", CUDA_VISIBLE_DEVICES: "" };

const kinds: readonly Kind[] = [
  {
    name: "Keras on TensorFlow",
    python: keras,
    module: "tensorflow",
    argument: "keras",
    env: { ...quiet, KERAS_BACKEND: "tensorflow" },
    jit: false,
  },
  {
    name: "Keras on TensorFlow, XLA",
    python: keras,
    module: "tensorflow",
    argument: "keras",
    env: { ...quiet, KERAS_BACKEND: "tensorflow" },
    jit: true,
  },
  {
    name: "Keras on JAX",
    python: keras,
    module: "jax",
    argument: "keras",
    env: { ...quiet, KERAS_BACKEND: "jax" },
    jit: true,
  },
  { name: "PyTorch", python: torch, module: "torch", argument: "torch", env: quiet, jit: false },
];

/** Those that the Pythons of KERATIN_PYTHON and KERATIN_TORCH_PYTHON have; says which are missing. */
export function findTrainingPeers(): TrainingPeer[] {
  const found: TrainingPeer[] = [];
  for (const { name, python, module, argument, env, jit } of kinds) {
    const modules = argument === "keras" ? `keras, ${module}` : module;
    const test = `import importlib.util as u, sys; sys.exit(any(u.find_spec(m.strip()) is None for m in "${modules}".split(",")))`;
    if (spawnSync(python, ["-c", test], { stdio: "ignore" }).status !== 0) {
      console.log(`${name} is skipped: ${python} does not have ${modules}`);
      continue;
    }
    const server = new PythonServer(python, "training_server.py", [argument], env);
    found.push({
      name,
      time: (model, seconds) => server.ask<TrainingReply>({ model, seconds, jit }),
      close: () => server.close(),
    });
  }
  return found;
}
