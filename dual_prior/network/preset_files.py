"""Reads a network from the files of a preset, and writes them."""

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

# So that Keras knows the layers that files name.
from dual_prior.network import classifier, deblocker, pyramid_deblocker  # noqa: F401
from dual_prior.network.parts import channels_of, first_line, serialized
from dual_prior.network.presets import (
    CONFIG,
    METADATA,
    RESTORATION,
    WEIGHTS,
    Preset,
    RestorationProfile,
    find_preset,
    sha256,
)
from dual_prior.network.weights_file import load_weights
from dual_prior.system.atomic_folder import atomic_folder


def load(
    kinds: tuple[type[keras.Model], ...],
    preset: str | os.PathLike | Preset,
    weights: str | os.PathLike | None,
    changes: Mapping[str, Any],
) -> keras.Model:
    """Builds the network of a preset.

    Args:
        kinds: The classes that the network may be of.
        preset, weights, changes: See `DualPriorNetwork.from_preset`.
    """
    preset = preset if isinstance(preset, Preset) else find_preset(preset)
    ships = weights == "shipped"
    if preset.is_file:
        network = _from_file(kinds, preset.path)
        stored = keras.saving.serialize_keras_object(network)
    else:
        stored = preset.config
        if ships:
            network = _from_config(kinds, stored, preset.path)
            load_weights(network, preset.weights())
    if not ships:
        config = {**stored, "config": changed(stored["config"], changes)}
        network = _from_config(kinds, config, preset.path)
        if weights is not None:
            load_weights(network, weights)
    return network.with_changes(**changes) if ships and changes else network


def save(
    network: keras.Model,
    folder: str | os.PathLike,
    profile: RestorationProfile,
    overwrite: bool,
) -> None:
    """See `DualPriorNetwork.save_to_preset`."""
    with atomic_folder(folder, replaces=CONFIG if overwrite else None) as new:
        network.save_weights(new / WEIGHTS)
        contents = {
            CONFIG: _portable(keras.saving.serialize_keras_object(network)),
            METADATA: {"weights_sha256": sha256(new / WEIGHTS)},
            RESTORATION: dataclasses.asdict(profile),
        }
        for name, content in contents.items():
            (new / name).write_text(json.dumps(content, indent=2) + "\n")


def changed(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A network's configuration with other arguments.

    Args:
        config: With its parts serialised, or as layers.
        changes: See `DualPriorNetwork.with_changes`.

    Raises:
        ValueError: There is no such argument.
    """
    if not changes:
        return dict(config)
    changes = dict(changes)
    _check_names(changes, config)
    for name, change in changes.items():
        if isinstance(change, Mapping):
            part = config[name]
            if isinstance(part, keras.layers.Layer):
                part = serialized(part)
            _check_names(change, part["config"])
            changes[name] = {**part, "config": {**part["config"], **change}}
    part = changes.get("deblocker")
    if isinstance(part, Mapping):
        changes.setdefault("channels", part["config"].get("channels"))
    elif part is not None:
        changes.setdefault("channels", channels_of(part))
    # The number of channels stays where a new de-blocker does not have one.
    changes["channels"] = changes.get("channels") or config["channels"]
    return {**config, **changes}


def _check_names(changes: Iterable[str], config: Iterable[str]) -> None:
    for name in changes:
        if name not in config:
            raise ValueError(
                f"Expected arguments among {', '.join(config)}; got {name!r}."
            )


def _from_file(kinds: tuple[type[keras.Model], ...], path: Path) -> keras.Model:
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly everything
        raise ValueError(f"{path}: cannot be loaded: {first_line(error)}") from error
    return _checked(kinds, network, path)


def _from_config(
    kinds: tuple[type[keras.Model], ...], config: dict, path: Path
) -> keras.Model:
    try:
        network = keras.saving.deserialize_keras_object(config)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: its {CONFIG} does not describe a network: {first_line(error)}"
        ) from error
    network = _checked(kinds, network, path)
    network.build((None, None, None, network.channels))
    return network


def _checked(
    kinds: tuple[type[keras.Model], ...], network: Any, path: Path
) -> keras.Model:
    if not isinstance(network, kinds):
        expected = " or ".join(f"a {kind.__name__}" for kind in kinds)
        raise ValueError(
            f"{path}: expected {expected}, got a {type(network).__name__}."
        )
    return network


def _portable(item: Any) -> Any:
    """The configuration of a layer, without its precision if it is one of ours."""
    name = item.get("registered_name") if isinstance(item, dict) else None
    if not str(name).startswith("dual_prior>"):
        return item
    config = {k: _portable(v) for k, v in item["config"].items() if k != "dtype"}
    own = {key: item[key] for key in ("module", "class_name", "registered_name")}
    return {**own, "config": config}
