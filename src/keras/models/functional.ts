/**
 * @module
 */
import type { ParameterTable } from "../object.ts";
import { Model, registerFunctional } from "./model.ts";

/** What `new Model(inputs, outputs)` makes: a model of a graph of layers. */
export class Functional extends Model {
  static override readonly kerasModule: string = "keras.src.models.functional";
  static override readonly parameters: ParameterTable = Model.parameters;
}

registerFunctional(Functional);
