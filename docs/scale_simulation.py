"""Simulates an hour of uploads with an account's STS limit; docs/scale.md shows the results.

`python docs/scale_simulation.py` prints the table. The simulation uses no network, and its random
numbers are seeded, so the results are the same everywhere.
"""

import heapq
import random
from dataclasses import dataclass

CALLS_PER_S = 75  # OSSFERRY_STS_CALLS_PER_S; an account may make 100
REFRESH_LEFT_S = 60.0  # the page requests new credentials this long before they expire
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The people of one simulated hour, and the credentials and accounts that serve them.

    Attributes:
        users: number of people who arrive within the hour.
        rush: whether half of them arrive within the first minute.
        stay_s: average time that a person uploads, in seconds.
        life_s: lifetime of the credentials, in seconds.
        accounts: number of cloud accounts that share the users equally.
    """

    name: str
    users: int
    rush: bool = False
    stay_s: float = 600.0
    life_s: float = 900.0
    accounts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The calls to STS for one cloud account within the hour, and how long people waited.

    Attributes:
        calls: number of calls to STS.
        busiest: highest number of calls in one second.
        longest_wait_s: longest time that a person waited for credentials, in seconds.
    """

    calls: int
    busiest: int
    longest_wait_s: float


SCENARIOS = (
    Scenario(name="a laptop's demo", users=10),
    Scenario(name="a company", users=5_000),
    Scenario(name="the same, everybody at nine", users=5_000, rush=True),
    Scenario(name="a large site", users=100_000),
    Scenario(name="the same, credentials for an hour", users=100_000, life_s=3600.0),
    Scenario(name="the same, everybody at nine", users=100_000, rush=True),
    Scenario(name="past one account", users=200_000, stay_s=1800.0),
    Scenario(name="the same, two accounts", users=200_000, stay_s=1800.0, accounts=2),
    Scenario(name="the same, credentials for an hour", users=200_000, stay_s=1800.0, life_s=3600.0),
)


def simulate(scenario: Scenario) -> Outcome:
    """Simulate the calls to STS within an hour, for one of the scenario's cloud accounts.

    The account serves an equal share of the users.
    """
    dice = random.Random(7)  # noqa: S311 - a simulation, no secret
    due = [_visit(scenario, dice) for _ in range(scenario.users // scenario.accounts)]
    heapq.heapify(due)
    free_at, calls, longest = 0.0, 0, 0.0
    per_second: dict[int, int] = {}
    while due:
        asked_at, leaves_at = heapq.heappop(due)
        served_at = max(asked_at, free_at)
        free_at = served_at + 1 / CALLS_PER_S
        longest = max(longest, served_at - asked_at)
        per_second[int(served_at)] = per_second.get(int(served_at), 0) + 1
        calls += 1
        again_at = served_at + scenario.life_s - REFRESH_LEFT_S
        if again_at < leaves_at:
            heapq.heappush(due, (again_at, leaves_at))
    return Outcome(calls=calls, busiest=max(per_second.values()), longest_wait_s=longest)


def table() -> str:
    """Simulate all scenarios, and return the results as the Markdown table of docs/scale.md."""
    lines = [
        "| hour | users | stay | life | accounts | STS calls of an account | busiest second"
        " | longest wait |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in SCENARIOS:
        outcome = simulate(each)
        lines.append(
            f"| {each.name} | {each.users:,} | {each.stay_s / 60:.0f} min"
            f" | {each.life_s / 60:.0f} min | {each.accounts} | {outcome.calls:,}"
            f" | {outcome.busiest} | {outcome.longest_wait_s:,.1f} s |"
        )
    return "\n".join(lines)


def _visit(scenario: Scenario, dice: random.Random) -> tuple[float, float]:
    """Return the times, in seconds, at which one person arrives and leaves."""
    rushes = scenario.rush and dice.random() < 0.5
    comes_at = dice.random() * (60.0 if rushes else HOUR_S)
    return comes_at, comes_at + dice.expovariate(1 / scenario.stay_s)


if __name__ == "__main__":
    print(table())  # noqa: T201 - the command's output
