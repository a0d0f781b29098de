"""Bugs in what the bridge knows of locks: states, activity, and who looks when."""

from .bug import Bug

BUGS = (
    Bug(
        name="records stored apart from the cursor behind them",
        file="bridge/store/activity.py",
        good="                await _add(session, lock_id, after.life, items, now)\n",
        bad="""\
            async with self._session() as session:
                await _add(session, lock_id, after.life, items, now)
""",
        tests=("tests/bridge/test_activity.py",),
    ),
    Bug(
        name="a reading cancelled with its transaction open",
        file="bridge/store/activity.py",
        good="    @finishing\n    async def append(",
        bad="    async def append(",
        tests=("tests/bridge/test_activity.py",),
    ),
    Bug(
        name="missing audit records passed over",
        file="bridge/audit.py",
        good="        if record.sequence > cursor + 1:\n",
        bad="        if record.sequence > cursor + 1 > 1:\n",
        tests=("tests/bridge/test_activity.py",),
    ),
    Bug(
        name="another flash taken for one without news",
        file="bridge/audit.py",
        good="    return page.last < after\n",
        bad="    return False\n",
        tests=("tests/together/test_knowledge_at_a_lock.py",),
    ),
    Bug(
        name="two entries of one second under one date",
        file="bridge/store/activity.py",
        good="    return proposed if taken is None else taken + _STEP\n",
        bad="    return proposed\n",
        tests=("tests/bridge/test_activity.py",),
    ),
    Bug(
        name="an entry of a lock without the time dated 1970",
        file="bridge/activity.py",
        good="max(min(told, now), latest or min(told, now))",
        bad="told",
        tests=("tests/bridge/test_activity.py",),
    ),
    Bug(
        name="a repeated operation takes a later state back",
        file="bridge/states.py",
        good="known if known.state_told and begun <= known.state_told else by_bolt(bolt, begun)(known)",
        bad="by_bolt(bolt, begun)(known)",
        tests=("tests/together/test_knowledge_at_a_lock.py",),
    ),
    Bug(
        name="an unknown bolt in words that invite to repeat",
        file="bridge/service.py",
        good="            except (AckTimeout, LinkLost) as error:\n",
        bad="            except LinkLost as error:\n",
        tests=("tests/together/test_knowledge_at_a_lock.py",),
    ),
    Bug(
        name="a look holds a lock that nobody uses",
        file="bridge/engine.py",
        good="            if not job.brief:\n",
        bad="            if job:\n",
        tests=("tests/together/test_engine_at_a_lock.py",),
    ),
    Bug(
        name="a use during a look forgotten",
        file="bridge/follower.py",
        good="            await self._look_until_at_rest(lock)\n",
        bad="            await self._look_until_at_rest(lock)\n            use.clear()\n",
        tests=("tests/bridge/test_follower.py",),
    ),
    Bug(
        name="a lock kept awake by a bolt that never arrives",
        file="bridge/follower.py",
        good="            if loop.time() >= until:\n",
        bad="            if until < 0:\n",
        tests=("tests/bridge/test_follower.py",),
    ),
    Bug(
        name="every lock woken by each start of serve",
        file="bridge/follower.py",
        good="        return min(max(self._visit - slept, 0), self._visit)\n",
        bad="        return 0.0\n",
        tests=("tests/bridge/test_follower.py",),
    ),
    Bug(
        name="activity told to a token that is not granted the lock",
        file="bridge/http/activity.py",
        good="        if lock_id not in grant.locks:\n",
        bad="        if lock_id < 0:\n",
        tests=("tests/bridge/http/test_activity.py",),
    ),
    Bug(
        name="activity told to whoever may read locks",
        file="bridge/http/activity.py",
        good="scopes=[Scope.DEVICE_ACTIVITY_READ]",
        bad="scopes=[Scope.DEVICE_READ]",
        tests=("tests/bridge/http/test_locks.py",),
    ),
    Bug(
        name="a change that leaves old activity for new",
        file="bridge/service.py",
        good="        finally:\n            self._knowledge.outdate(lock)\n",
        bad="        finally:\n            pass\n",
        tests=("tests/together/test_fresh_activity.py",),
    ),
    Bug(
        name="a bolt on its way taken for all that happens",
        file="bridge/knowledge.py",
        good="            self.outdate(lock)\n            return True\n",
        bad="            pass\n",
        tests=("tests/together/test_fresh_activity.py",),
    ),
    Bug(
        name="a lock woken by everybody who polls",
        file="bridge/knowledge.py",
        good="asked + self._engine.settings.fresh",
        bad="asked",
        tests=("tests/together/test_fresh_activity.py",),
    ),
    Bug(
        name="activity that grows for ever",
        file="bridge/store/activity.py",
        good="        await _prune(session, lock_id)\n",
        bad="        pass\n",
        tests=("tests/bridge/test_activity.py",),
    ),
    Bug(
        name="other locks' activity pruned by this one's",
        file="bridge/store/activity.py",
        good="delete(ActivityRow).where(ActivityRow.lock_id == lock_id, ",
        bad="delete(ActivityRow).where(",
        tests=("tests/bridge/test_activity.py",),
    ),
)
