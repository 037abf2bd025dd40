"""What the embedded broker is told: Kafka's settings, its log's, and Java's."""

from typing import Final

from schemas.topics import MAX_OUTPUT_BYTES
from services.kafka.embedded.ports import LOOPBACK

NODE_ID: Final = 1
LOG_FILE: Final = "broker.log"
MIB: Final = 1024 * 1024


def server_properties(*, port: int, controller_port: int, log_folder: str) -> str:
    """
    Return `server.properties` of a broker that is its own controller and that this machine alone can reach.

    `log_folder` is relative to the process's working folder: Kafka would split an absolute path at a comma and read
    it as Latin-1.
    """
    settings = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_folder,
        # Topics come from schemas/topics.py alone: a mistyped name fails here as it would on a careful cluster.
        "auto.create.topics.enable": "false",
        "message.max.bytes": MAX_OUTPUT_BYTES,
        "replica.fetch.max.bytes": MAX_OUTPUT_BYTES,
        # A produce request carries a batch for each of several partitions, so well above one record (the default).
        "socket.request.max.bytes": 100 * MIB,
        # One node holds one replica; few partitions are few files to open at each start.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        # A laptop may be shut for longer than the default week, and must then know where its groups were.
        "offsets.retention.minutes": 30 * 24 * 60,
        # A killed broker may register again when the session of its former life has run out: by default after 9 s.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # The default holds a new group's first join for 3 s, for members that here seldom come.
        "group.initial.rebalance.delay.ms": 0,
        # The defaults are for a server: 128 MiB for compaction alone, which here has a few thousand keys.
        "log.cleaner.dedupe.buffer.size": 8 * MIB,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def log4j_properties() -> str:
    """Return the settings of a quiet log, warnings and errors: a file for each start, three of 5 MB at most."""
    return f"""\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {LOG_FILE}
appender.file.filePattern = {LOG_FILE}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601}} %p %m (%c{{1}})%n
appender.file.policy.type = Policies
appender.file.policy.start.type = OnStartupTriggeringPolicy
appender.file.policy.size.type = SizeBasedTriggeringPolicy
appender.file.policy.size.size = 5MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
"""


def java_options(*, heap_mb: int) -> list[str]:
    """Return Java's options for a small process that starts quickly; its files go to the working folder."""
    return [
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        # A broker without memory would otherwise live on, half dead.
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "-XX:ErrorFile=java-crash.log",
        # Kafka 4.4 and its codecs use what Java 25 warns about at each start.
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
        # The codecs unpack their libraries here: a killed process leaves them behind, and /tmp may forbid execution.
        "-Djava.io.tmpdir=tmp",
        "-Dlog4j2.configurationFile=log4j2.properties",
    ]
