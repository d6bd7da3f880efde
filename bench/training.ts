/**
 * Training steps and predictions of whole models, beside Keras and PyTorch.
 *
 * @module
 */
import { ops, type Tensor } from "../src/index.ts";
import { besidePeers, type Figure, millisecondsOf } from "./measure.ts";
import { models } from "./models.ts";
import { findTrainingPeers, type TrainingReply } from "./peers/training.ts";

type Ours = Pick<Required<TrainingReply>, "loss" | "step" | "predict" | "predictOne" | "first">;

async function timeOurs(name: string, seconds: number): Promise<Ours> {
  const { model, x, y } = (models[name] as (typeof models)[string])();
  const firstRow = (z: Tensor): Tensor =>
    ops.slice(
      z,
      z.shape.map(() => 0),
      [1, ...z.shape.slice(1)],
    );
  const one = Array.isArray(x) ? x.map(firstRow) : firstRow(x);
  const loss = (await model.testOnBatch(x, y)) as number;
  const start = performance.now();
  await model.trainOnBatch(x, y);
  const first = performance.now() - start;
  const predict = async (batch: typeof x): Promise<void> =>
    (await model.predictOnBatch(batch)).dispose();
  return {
    loss,
    first,
    step: await millisecondsOf(() => model.trainOnBatch(x, y), seconds),
    predict: await millisecondsOf(() => predict(x), seconds / 2),
    predictOne: await millisecondsOf(() => predict(one), seconds / 2),
  };
}

const rows = {
  step: "step",
  predict: "predict, training batch",
  predictOne: "predict, batch 1",
  first: "first step",
} as const;

/** Every model, or those whose name holds `filter`: ours, then each peer, twice in turn. */
export async function training(filter: string): Promise<Figure[]> {
  const names = Object.keys(models).filter((name) => name.includes(filter));
  const peers = findTrainingPeers();
  const seconds = 1;
  const figures: Figure[] = [];
  for (const name of names) {
    const ours: Ours[] = [];
    const theirs = new Map<string, TrainingReply[]>();
    for (let round = 0; round < 2; round++) {
      ours.push(await timeOurs(name, seconds));
      for (const peer of peers) {
        const reply = await peer.time(name, seconds);
        if (reply.missing) continue;
        const difference = Math.abs((reply.loss ?? 0) - (ours[0] as Ours).loss);
        if (reply.loss !== undefined && !(difference <= 1e-3 * Math.abs(reply.loss))) {
          throw new Error(
            `${name}: the loss is ${(ours[0] as Ours).loss}, ${peer.name} has ${reply.loss}`,
          );
        }
        theirs.set(peer.name, [...(theirs.get(peer.name) ?? []), reply]);
      }
    }
    for (const [key, label] of Object.entries(rows) as [keyof typeof rows, string][]) {
      const value = Math.min(...ours.map((row) => row[key]));
      const bests = [...theirs].map(
        ([peer, replies]) => [peer, Math.min(...replies.map((reply) => reply[key]))] as const,
      );
      figures.push(...besidePeers({ name: `${name}, ${label}`, value, unit: "ms" }, bests));
    }
  }
  for (const peer of peers) peer.close();
  return figures;
}
