"""Times whole models of a Python library for the bench: one JSON request a line.

    training_server.py keras     (KERAS_BACKEND says on what)
    training_server.py torch

request: {"model": name, "seconds": of each measurement, "jit": true|false}
reply:   {"loss": before any training, "step": ms, "predict": ms,
          "predictOne": ms, "first": ms of the first step, "version": text}

request: {"fit": "digits"|"letters", "text": path, "jit": true|false}
reply:   {"epoch": seconds, "version": text}

The models, the data and the weights are those of bench/models.ts.
"""
import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np


def values(*shape):
    i = np.arange(np.prod(shape, dtype=np.int64))
    return ((i * 7919 % 10007) / 5003.5 - 1).astype("float32").reshape(shape)


def classes(count, *shape):
    i = np.arange(np.prod(shape, dtype=np.int64))
    return (i * 7919 % 10007 % count).astype("int32").reshape(shape)


def data(name):
    return {
        "mlp": lambda: (values(128, 784), classes(10, 128)),
        "convnet": lambda: (values(128, 28, 28, 1), classes(10, 128)),
        "lstm": lambda: (values(64, 100, 64), classes(10, 64)),
        "gpt": lambda: (classes(65, 32, 128), classes(65, 32, 128)),
        "mobilenet": lambda: (values(32, 96, 96, 3), classes(1000, 32)),
        "resnet": lambda: (values(32, 32, 32, 3), classes(10, 32)),
        "tabular": lambda: (
            [values(512, 13), classes(20_000, 512, 26)],
            classes(2, 512),
        ),
        "tiny": lambda: (values(16, 4), classes(3, 16)),
    }[name]()


def digits(name, header):
    path = Path(__file__).parents[2] / "examples" / "data" / name
    return np.frombuffer(gzip.decompress(path.read_bytes())[header:], np.uint8)


def best_ms(run, seconds):
    for _ in range(3):
        run()
    best, calls = float("inf"), 0
    end = time.perf_counter() + seconds
    while calls < 20 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
        calls += 1
    return best * 1e3


class Keras:
    def __init__(self):
        import keras

        self.keras = keras
        self.version = f"Keras {keras.__version__} on {keras.backend.backend()}"

    def model(self, name):
        keras = self.keras
        layers = keras.layers
        adam = keras.optimizers.Adam(1e-3)
        if name == "mlp":
            parts = [
                keras.Input((784,)),
                layers.Dense(512, activation="relu"),
                layers.Dense(512, activation="relu"),
                layers.Dense(10),
            ]
        elif name == "convnet":
            parts = self.convnet(32, 64, 0.5)
        elif name == "lstm":
            parts = [keras.Input((100, 64)), layers.LSTM(128), layers.Dense(10)]
        elif name == "tiny":
            parts = [
                keras.Input((4,)),
                layers.Dense(16, activation="relu"),
                layers.Dense(3),
            ]
        elif name == "mobilenet":
            model = keras.applications.MobileNetV2(
                input_shape=(96, 96, 3), alpha=0.35, weights=None, classes=1000
            )
            return model, keras.optimizers.SGD(0.01), False
        elif name == "resnet":
            return self.resnet(), keras.optimizers.SGD(0.1, momentum=0.9), True
        elif name == "tabular":
            return self.tabular(), adam, True
        else:
            return self.gpt(), keras.optimizers.AdamW(3e-4, weight_decay=0.1), True
        return keras.Sequential(parts), adam, True

    def convnet(self, first, second, dropout, activation=None):
        keras, layers = self.keras, self.keras.layers
        return [
            keras.Input((28, 28, 1)),
            layers.Conv2D(first, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(second, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(dropout),
            layers.Dense(10, activation=activation),
        ]

    def resnet(self):
        keras, layers = self.keras, self.keras.layers

        def convolution(x, filters, size, strides=1):
            x = layers.Conv2D(
                filters, size, strides=strides, padding="same", use_bias=False
            )(x)
            return layers.BatchNormalization()(x)

        inputs = keras.Input((32, 32, 3))
        x = layers.ReLU()(convolution(inputs, 16, 3))
        for stage, filters in enumerate([16, 32, 64]):
            for block in range(3):
                strides = 2 if stage > 0 and block == 0 else 1
                inner = layers.ReLU()(convolution(x, filters, 3, strides))
                if strides > 1:
                    x = convolution(x, filters, 1, strides)
                x = layers.ReLU()(layers.Add()([x, convolution(inner, filters, 3)]))
        return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))

    def tabular(self):
        keras, layers = self.keras, self.keras.layers
        numeric = keras.Input((13,))
        categories = keras.Input((26,), dtype="int32")
        embedded = layers.Flatten()(layers.Embedding(20_000, 16)(categories))
        deep = layers.Concatenate()([numeric, embedded])
        for units in [256, 128]:
            deep = layers.Dense(units, activation="relu")(deep)
        wide = layers.Flatten()(layers.Embedding(20_000, 1)(categories))
        both = layers.Concatenate()([wide, deep])
        return keras.Model([numeric, categories], layers.Dense(2)(both))

    def gpt(self):
        keras, layers = self.keras, self.keras.layers
        width, heads, length, words = 128, 4, 128, 65
        tokens = keras.Input((length,), dtype="int32")
        places = layers.Embedding(length, width)(keras.ops.arange(length))
        h = layers.Embedding(words, width)(tokens) + places
        for _ in range(2):
            a = layers.LayerNormalization(epsilon=1e-5)(h)
            attention = layers.MultiHeadAttention(heads, width // heads)
            h = h + attention(a, a, use_causal_mask=True)
            f = layers.LayerNormalization(epsilon=1e-5)(h)
            f = layers.Dense(4 * width, activation="gelu")(f)
            h = h + layers.Dense(width)(f)
        h = layers.LayerNormalization(epsilon=1e-5)(h)
        return keras.Model(tokens, layers.Dense(words)(h))

    def time(self, name, seconds, jit):
        model, optimizer, logits = self.model(name)
        loss = self.keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
        model.compile(optimizer=optimizer, loss=loss, jit_compile=jit)
        for weight in model.weights:
            if len(weight.shape) >= 2:
                weight.assign(values(*weight.shape) * 0.05)
        x, y = data(name)
        before = model.test_on_batch(x, y)
        start = time.perf_counter()
        model.train_on_batch(x, y)
        first = (time.perf_counter() - start) * 1e3
        one = [part[:1] for part in x] if isinstance(x, list) else x[:1]
        return {
            "loss": float(np.ravel(before)[0]),
            "first": first,
            "step": best_ms(lambda: model.train_on_batch(x, y), seconds),
            "predict": best_ms(lambda: model.predict_on_batch(x), seconds / 2),
            "predictOne": best_ms(lambda: model.predict_on_batch(one), seconds / 2),
        }


    def fit(self, name, text, jit):
        keras = self.keras
        if name == "digits":
            model = keras.Sequential(self.convnet(16, 32, 0.3, "softmax"))
            model.compile(
                optimizer="adam",
                loss="sparse_categorical_crossentropy",
                metrics=["accuracy"],
                jit_compile=jit,
            )
            x = digits("t10k-images-idx3-ubyte.gz", 16)[: 8000 * 784]
            x = (x / 255).astype("float32").reshape(8000, 28, 28, 1)
            y = digits("t10k-labels-idx1-ubyte.gz", 8)[:8000].astype("int32")
            batch = 64
        else:
            model = self.gpt()
            model.compile(
                optimizer=keras.optimizers.AdamW(3e-4, weight_decay=0.1),
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                jit_compile=jit,
            )
            letters = open(text, encoding="utf-8").read()
            codes = {letter: i for i, letter in enumerate(sorted(set(letters)))}
            size = 2048 * 128
            numbers = np.array([codes[letter] for letter in letters[: size + 1]], "int32")
            x, y = (numbers[i : i + size].reshape(2048, 128) for i in (0, 1))
            batch = 32
        best = float("inf")
        for _ in range(4):
            start = time.perf_counter()
            model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
            best = min(best, time.perf_counter() - start)
        return {"epoch": best}


class Torch:
    def __init__(self):
        import torch

        self.torch = torch
        self.version = f"PyTorch {torch.__version__}"

    def model(self, name):
        torch = self.torch
        nn = torch.nn
        if name == "mlp":
            return nn.Sequential(
                nn.Linear(784, 512), nn.ReLU(),
                nn.Linear(512, 512), nn.ReLU(),
                nn.Linear(512, 10),
            )  # fmt: skip
        if name == "convnet":
            return nn.Sequential(
                nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
            )  # fmt: skip
        if name == "tiny":
            return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
        if name == "lstm":

            class Lstm(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.rnn = nn.LSTM(64, 128, batch_first=True)
                    self.out = nn.Linear(128, 10)

                def forward(self, x):
                    return self.out(self.rnn(x)[0][:, -1])

            return Lstm()
        if name == "gpt":
            return self.gpt()
        return None

    def gpt(self):
        torch = self.torch
        nn = torch.nn
        width, heads, length, words = 128, 4, 128, 65

        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])
                self.qkv = nn.Linear(width, 3 * width)
                self.out = nn.Linear(width, width)
                self.up = nn.Linear(width, 4 * width)
                self.down = nn.Linear(4 * width, width)

            def forward(self, h, mask):
                b, t, _ = h.shape
                split = self.qkv(self.norms[0](h)).split(width, dim=2)
                q, k, v = (
                    z.view(b, t, heads, width // heads).transpose(1, 2) for z in split
                )
                scores = (q @ k.transpose(-2, -1)) * (width // heads) ** -0.5
                weights = torch.softmax(scores.masked_fill(mask, -torch.inf), dim=-1)
                h = h + self.out((weights @ v).transpose(1, 2).reshape(b, t, width))
                up = nn.functional.gelu(self.up(self.norms[1](h)))
                return h + self.down(up)

        class Gpt(nn.Module):
            def __init__(self):
                super().__init__()
                self.tokens = nn.Embedding(words, width)
                self.places = nn.Embedding(length, width)
                self.blocks = nn.ModuleList([Block() for _ in range(2)])
                self.norm = nn.LayerNorm(width)
                self.out = nn.Linear(width, words)
                mask = torch.ones(length, length, dtype=torch.bool)
                self.register_buffer("mask", torch.triu(mask, 1))
                self.register_buffer("at", torch.arange(length))

            def forward(self, x):
                h = self.tokens(x) + self.places(self.at)
                for block in self.blocks:
                    h = block(h, self.mask)
                return self.out(self.norm(h)).transpose(1, 2)

        return Gpt()

    def time(self, name, seconds, jit):
        torch = self.torch
        model = self.model(name)
        if model is None:
            return {"missing": True}
        x, y = data(name)
        if name == "convnet":
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        x, y = torch.from_numpy(x), torch.from_numpy(y).long()
        x = x.long() if name == "gpt" else x
        if name == "gpt":
            optimizer = torch.optim.AdamW(model.parameters(), 3e-4, weight_decay=0.1)
        else:
            optimizer = torch.optim.Adam(model.parameters(), 1e-3)

        def step():
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.item()

        def predict(batch):
            with torch.no_grad():
                return model(batch).numpy()

        model.train()
        start = time.perf_counter()
        step()
        first = (time.perf_counter() - start) * 1e3
        ms = best_ms(step, seconds)
        model.eval()
        return {
            "first": first,
            "step": ms,
            "predict": best_ms(lambda: predict(x), seconds / 2),
            "predictOne": best_ms(lambda: predict(x[:1]), seconds / 2),
        }


def main():
    engine = {"keras": Keras, "torch": Torch}[sys.argv[1]]()
    for line in sys.stdin:
        request = json.loads(line)
        if "fit" in request:
            reply = engine.fit(request["fit"], request["text"], request["jit"])
        else:
            reply = engine.time(request["model"], request["seconds"], request["jit"])
        print(json.dumps({**reply, "version": engine.version}), flush=True)


main()
