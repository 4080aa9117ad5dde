"""ONNX files: the same samples as the network that was exported, and what is refused before it."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import ganeval
from ganeval.errors import GanevalError, InputError, ResourceError, UsageError
from ganeval.generators import onnx_file
from ganeval.images.picture import DecodePolicy
from ganeval.sources.generator import Generator
from ganeval.sources.open import open_source
from tests.generators.networks import Example, seeded

RANGE = "value_range=-1,1"


def open_text(text: object) -> Any:
    return open_source(str(text), policy=DecodePolicy())


def direct(num: int) -> Any:
    return open_source(
        Generator(
            seeded(Example()), latent_size=8, latent_layout="map", value_range=(-1, 1),
            num_images=num,
        ),
        policy=DecodePolicy(),
    )  # fmt: skip


def pixels(source: Any) -> Any:
    return np.stack([item.picture().pixels for item in source.load(range(len(source)))]).astype(int)


def test_gives_the_samples_of_the_network_that_was_exported(exported: Path, tmp_path: Path) -> None:
    assert (exported / "g.onnx.data").exists()  # the default of torch.onnx.export
    for name in ("g.onnx", "without-a-suffix"):
        for suffix in ("", ".data"):
            target = tmp_path / (f"g.onnx{suffix}" if suffix else name)
            target.write_bytes((exported / f"g.onnx{suffix}").read_bytes())
        source = open_text(f"generator:{tmp_path / name},{RANGE},num_images=40")
        assert np.abs(pixels(source) - pixels(direct(40))).max() <= 1
        settings = source.info.settings
        assert (settings["latent_size"], settings["latent_layout"]) == (8, "map")
        assert settings["file"] == "an ONNX file"
        assert source.info.found["normalisation"] == "inside the file"


def test_is_recognised_by_its_content(exported: Path) -> None:
    with pytest.raises(
        InputError,
        match="its value_range; needed: the option value_range; add --value-range LOW,HIGH",
    ):
        open_text(exported / "g.onnx")


def test_its_whole_content_is_its_identity(exported: Path, tmp_path: Path) -> None:
    for name in ("g.onnx", "g.onnx.data"):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    text = f"generator:{tmp_path / 'g.onnx'},{RANGE},num_images=3"
    before = open_text(text)
    data = bytearray((tmp_path / "g.onnx.data").read_bytes())
    data[100] ^= 1
    (tmp_path / "g.onnx.data").write_bytes(data)
    after = open_text(text)
    assert before.info.settings["weights"] != after.info.settings["weights"]
    assert before.load([0])[0].digest != after.load([0])[0].digest


def model(
    *,
    batch: int | str = "batch",
    inputs: Any = None,
    output: int = TensorProto.FLOAT,
    domain: str = "",
    nodes: Any = None,
    initializers: Any = None,
) -> onnx.ModelProto:
    """A network that makes 8x8 pictures out of 4 latents, and its variations."""
    weight = numpy_helper.from_array(
        np.random.default_rng(0).normal(0, 0.3, (4, 64)).astype(np.float32), "w"
    )
    shape = numpy_helper.from_array(np.array([-1, 1, 8, 8]), "shape")
    usual = [
        helper.make_node("MatMul", ["z", "w"], ["flat"]),
        helper.make_node("Tanh", ["flat"], ["bounded"]),
        helper.make_node("Reshape", ["bounded", "shape"], ["image"], domain=domain),
        helper.make_node("Cast", ["image"], ["x"], to=output),
    ]
    latents = helper.make_tensor_value_info("z", TensorProto.FLOAT, [batch, 4])
    image = helper.make_tensor_value_info("x", output, None)
    graph = helper.make_graph(
        nodes or usual, "g", inputs or [latents], [image], initializers or [weight, shape]
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )  # fmt: skip


def external(location: str) -> onnx.ModelProto:
    made = model()
    tensor = made.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    return made


def conditional() -> onnx.ModelProto:
    latents = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 4])
    labels = helper.make_tensor_value_info("y", TensorProto.INT64, ["batch"])
    table = numpy_helper.from_array(np.eye(4, dtype=np.float32), "table")
    made = model(inputs=[latents, labels])
    made.graph.initializer.append(table)
    made.graph.node.insert(0, helper.make_node("Add", ["z", "embedded"], ["sum"]))
    made.graph.node.insert(0, helper.make_node("Gather", ["table", "y"], ["embedded"]))
    made.graph.node[2].input[0] = "sum"
    return made


def save(made: onnx.ModelProto, path: Path) -> str:
    path.write_bytes(made.SerializeToString())
    return f"generator:{path},{RANGE}"


@pytest.fixture
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building a session is a failure of the test."""

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a session was built")

    monkeypatch.setattr("onnxruntime.InferenceSession", refuse)


def nested() -> onnx.ModelProto:
    """A custom operator in the branch of an If."""
    inner = helper.make_graph(
        [helper.make_node("Evil", [], ["x"], domain="com.evil")], "inner", [],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
    )  # fmt: skip
    condition = helper.make_node("If", ["c"], ["x"], then_branch=inner, else_branch=inner)
    return model(
        nodes=[condition], initializers=[numpy_helper.from_array(np.array(True), "c")]
    )  # fmt: skip


@pytest.mark.usefixtures("no_session")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: model(domain="com.evil"), "wants operators of com.evil, .*custom operators"),
        (nested, "wants operators of com.evil"),
        (
            lambda: external("/etc/hostname"),
            "tensors in '/etc/hostname', which is not a readable file in its folder",
        ),
        (lambda: external("../secret"), "tensors in '../secret'"),
        (lambda: external("sub/../../secret"), "tensors in 'sub/../../secret'"),
        (lambda: external("link"), "tensors in 'link'"),
        (lambda: external("absent"), "tensors in 'absent'"),
        (lambda: external(""), "tensors in ''"),
    ],
)
def test_code_and_files_from_elsewhere_are_refused_before_a_session(
    make: Callable[[], onnx.ModelProto], said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(4 * 64 * 4))
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=said):
        open_text(save(make(), folder / "g.onnx"))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: model(output=TensorProto.DOUBLE), r"returns x tensor\(double\)"),
        (conditional, r"takes z tensor\(float\), y tensor\(int64\); .*num_classes"),
        (
            lambda: model(inputs=[helper.make_tensor_value_info("z", TensorProto.FLOAT, ["b"])]),
            "takes z .* first",
        ),
        (lambda: model(nodes=[helper.make_node("Nothing", ["z"], ["x"])]), "cannot run it"),
    ],
)
def test_networks_that_do_not_make_images_of_latents(
    make: Callable[[], onnx.ModelProto], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        open_text(save(make(), tmp_path / "g.onnx"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_a_batch_size_that_is_fixed_in_the_file_changes_no_sample(
    batch: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    free = open_text(save(model(), tmp_path / "free.onnx") + ",num_images=20")
    caplog.clear()
    fixed = open_text(save(model(batch=batch), tmp_path / "fixed.onnx") + ",num_images=20")
    assert np.abs(pixels(fixed) - pixels(free)).max() <= 1
    assert fixed.info.settings["network_batch"] == batch
    how = "one by one" if batch == 1 else f"{batch} at a time"
    (told,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert f"fixed to batches of {batch}, so samples are made {how}" in told


def test_of_several_outputs_the_images_are_found_by_their_shape(tmp_path: Path) -> None:
    made = model()
    made.graph.output.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, None))
    plain = open_text(save(model(), tmp_path / "one.onnx") + ",num_images=20")
    both = open_text(save(made, tmp_path / "two.onnx") + ",num_images=20")
    np.testing.assert_array_equal(pixels(both), pixels(plain))
    made.graph.output.append(helper.make_tensor_value_info("image", TensorProto.FLOAT, None))
    text = save(made, tmp_path / "three.onnx") + ",num_images=20"
    with pytest.raises(
        InputError, match="which of x, image holds the images; add --image-output x"
    ):
        open_text(text)
    np.testing.assert_array_equal(pixels(open_text(text + ",image_output=image")), pixels(plain))


def test_labels_may_come_first_and_be_floats(tmp_path: Path) -> None:
    usual = open_text(save(conditional(), tmp_path / "g.onnx") + ",num_classes=4,num_images=20")
    made = conditional()
    latents, labels = made.graph.input
    made.graph.ClearField("input")
    made.graph.input.extend([labels, latents])
    text = save(made, tmp_path / "first.onnx") + ",num_classes=4,num_images=20"
    with pytest.raises(InputError, match=r"takes y .*, z .*inputs for another order"):
        open_text(text)
    np.testing.assert_array_equal(pixels(open_text(text + ",inputs=label,latent")), pixels(usual))
    onehot = conditional()
    onehot.graph.input[1].CopyFrom(
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])
    )
    onehot.graph.node[0].CopyFrom(helper.make_node("MatMul", ["y", "table"], ["embedded"]))
    text = save(onehot, tmp_path / "onehot.onnx") + ",num_classes=4,num_images=20"
    np.testing.assert_array_equal(pixels(open_text(text + ",label_form=onehot")), pixels(usual))


def test_labels_are_fed(tmp_path: Path) -> None:
    text = save(conditional(), tmp_path / "g.onnx")
    source = open_text(f"{text},num_classes=4,label_policy=balanced,num_images=8")
    assert source.info.settings["label_policy"] == "balanced"
    assert len({picture.tobytes() for picture in pixels(source)}) == 8


def test_a_truncated_file_is_said_to_be_so(tmp_path: Path) -> None:
    data = model().SerializeToString()
    for length in (9, 20, len(data) // 2, len(data) - 1):
        (tmp_path / "g.onnx").write_bytes(data[:length])
        with pytest.raises(InputError, match="damaged or truncated ONNX"):
            open_text(f"generator:{tmp_path / 'g.onnx'},{RANGE}")


def test_flipped_bits_are_refused_in_one_line_or_do_no_harm(tmp_path: Path) -> None:
    data = model().SerializeToString()
    rng = np.random.default_rng(0)
    refusals = []
    for at in rng.choice(len(data), 60, replace=False):
        damaged = bytearray(data)
        damaged[at] ^= 1 << int(rng.integers(8))
        (tmp_path / "g.onnx").write_bytes(damaged)
        refusals.append(refusal(f"generator:{tmp_path / 'g.onnx'},{RANGE}"))
    assert len(set(refusals)) > 3
    assert not any("\n" in one for one in refusals)


def test_a_name_that_is_no_text_is_refused_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = model().SerializeToString()
    assert data.count(b"MatMul") > 0
    (tmp_path / "g.onnx").write_bytes(data.replace(b"MatMul", b"Mat\xfe\xffl"))
    with pytest.raises(InputError, match="cannot run it"):
        open_text(tmp_path / "g.onnx")
    assert capfd.readouterr() == ("", "")


def refusal(text: str) -> str:
    """Return why a source is refused, nothing if it is not; any other exception is one here too."""
    try:
        open_text(text)
    except GanevalError as error:
        return str(error)
    return ""


@given(st.binary(max_size=200))
def test_any_bytes_are_facts_or_a_damaged_file(rest: bytes) -> None:
    try:
        facts = onnx_file.read_facts(b"\x08\x0a\x3a" + rest, name="g.onnx")
    except InputError:  # anything else fails the test
        return
    assert all(isinstance(text, str) for text in (*facts.domains, *facts.external))


def test_deep_nesting_is_refused() -> None:
    made = b""
    for _ in range(200):  # a graph in an attribute of a node of a graph ...
        for number in (6, 5, 1):
            made = bytes([number << 3 | 2]) + varint(len(made)) + made
    with pytest.raises(InputError, match="nested too deeply"):
        onnx_file.read_facts(bytes([7 << 3 | 2]) + varint(len(made)) + made, name="g.onnx")


def varint(number: int) -> bytes:
    found = b""
    while number >= 0x80:
        found, number = found + bytes([number & 0x7F | 0x80]), number >> 7
    return found + bytes([number])


def test_of_a_domain_that_is_said_twice_the_last_counts() -> None:
    said = [onnx.FunctionProto(domain=one).SerializeToString() for one in ("com.microsoft", "own")]
    function = b"".join(said)
    assert onnx.FunctionProto.FromString(function).domain == "own"
    data = model(domain="com.microsoft").SerializeToString()
    data += varint(25 << 3 | 2) + varint(len(function)) + function
    assert onnx_file.read_facts(data, name="g.onnx").domains == ("com.microsoft",)


def test_the_table_of_messages_is_onnx_s_own() -> None:
    for name, fields in onnx_file.MESSAGES.items():
        descriptor = getattr(onnx, name).DESCRIPTOR
        leads = {
            field.number: field.message_type.name
            for field in descriptor.fields
            if field.message_type is not None and field.message_type.name in onnx_file.MESSAGES
            and field.name not in ("metadata_props", "initialization_binding", "update_binding",
                                   "quantization_annotation")
        }  # fmt: skip
        assert fields == leads, name
    assert onnx.OperatorSetIdProto.DESCRIPTOR.fields_by_name["domain"].number == 1
    assert onnx.NodeProto.DESCRIPTOR.fields_by_name["domain"].number == 7
    assert onnx.FunctionProto.DESCRIPTOR.fields_by_name["domain"].number == 10


def test_facts_are_those_that_onnx_finds(exported: Path) -> None:
    facts = onnx_file.read_facts((exported / "g.onnx").read_bytes(), name="g")
    loaded = onnx.load(exported / "g.onnx", load_external_data=False)
    places = {
        entry.value
        for tensor in loaded.graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    assert set(facts.external) == places == {"g.onnx.data"}
    assert facts.domains == ()


@pytest.mark.usefixtures("seeming_cuda")
def test_only_the_cpu_and_only_with_the_extra(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"generator:{exported / 'g.onnx'},{RANGE}"
    with pytest.raises(UsageError, match="an ONNX file on device cuda:1; needed: the CPU"):
        open_text(f"{text},device=cuda")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ResourceError, match=r"pip install 'ganeval\[onnx\]'"):
        open_text(text)


def test_is_scored_with_options_that_fit_it(
    exported: Path, real: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ganeval")
    report = ganeval.evaluate(
        sample=str(exported / "g.onnx"), reference=str(real), metrics=["fid"],
        extractor="random", value_range=(-1, 1), key="unneeded",
    )  # fmt: skip
    assert report["fid"].num_sample == 30
    assert "g.onnx: an ONNX file, key not used, sha256:" in caplog.text
