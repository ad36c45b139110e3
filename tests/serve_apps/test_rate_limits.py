from serve_apps.rate_limits import Allowance, RateLimiter


def test_a_minute_of_requests_at_once_then_one_by_one() -> None:
    limiter = RateLimiter()
    assert [limiter.take("a", 3, 0.0).granted for _ in range(4)] == [True, True, True, False]
    refused = limiter.take("a", 3, 1.0)
    assert refused == Allowance(granted=False, limit=3, left=0, full_in_s=59, retry_in_s=19)
    assert refused.headers() == {
        "RateLimit-Policy": '"key";q=3;w=60',
        "RateLimit": '"key";r=0;t=59',
        "Retry-After": "19",
    }
    assert limiter.take("a", 3, 1.0 + refused.retry_in_s).granted  # what was promised holds
    assert not limiter.take("a", 3, 1.0 + refused.retry_in_s).granted


def test_keys_do_not_share_and_refusals_cost_nothing() -> None:
    limiter = RateLimiter()
    assert limiter.take("a", 1, 0.0).granted
    assert [limiter.take("a", 1, second).granted for second in (1.0, 20.0, 59.0)] == [False] * 3
    granted = limiter.take("b", 1, 59.0)
    assert granted.headers() == {"RateLimit-Policy": '"key";q=1;w=60', "RateLimit": '"key";r=0;t=60'}
    assert limiter.take("a", 1, 60.0).granted


def test_no_more_than_a_minute_is_saved_up() -> None:
    limiter = RateLimiter()
    limiter.take("a", 2, 0.0)
    assert [limiter.take("a", 2, 1e6).granted for _ in range(3)] == [True, True, False]
